/** A zone's records as plain data, whoever stores them. */

export type RecordType = "A" | "AAAA" | "CAA" | "CNAME" | "MX" | "NS" | "PTR" | "SOA" | "SRV" | "TXT";

interface Soa {
  mname: string;
  rname: string;
  serial: number;
  refresh: number;
  retry: number;
  expire: number;
  minimum: number;
}

/** One record's data in the shape that `dns-packet` encodes. */
export interface RecordData {
  A: string;
  AAAA: string;
  CAA: { flags: number; tag: string; value: string };
  CNAME: string;
  MX: { preference: number; exchange: string };
  NS: string;
  PTR: string;
  SOA: Soa;
  SRV: { priority: number; weight: number; port: number; target: string };
  TXT: string[];
}

/** All records of one name and type. */
export type RecordSet = {
  [Type in RecordType]: {
    /** Fully qualified, lower case, without the last dot; may begin with `*.`. */
    name: string;
    type: Type;
    /** Seconds. */
    ttl: number;
    values: RecordData[Type][];
  };
}[RecordType];

export interface Zone {
  /** Lower case, without the last dot. */
  name: string;
  /** For linked networks only: such a zone is not answered to the public. */
  private: boolean;
  /** With SOA and NS of the zone itself. */
  recordSets: RecordSet[];
}

export function normalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** True for the name itself and all below it. */
export function isWithin(name: string, ancestor: string): boolean {
  return name === ancestor || name.endsWith(`.${ancestor}`) || ancestor === "";
}

/** The name one label up; empty for a single label. */
export function parentName(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}
