/** What the bench's processes say to each other. */

export interface ServiceMessage {
  type: "listening";
  url: string;
  /** Of a platform administrator; bare routes want none. */
  token: string;
}

/** To the service: the line that its engine tells next. */
export interface ServiceOrder {
  line: string;
}

/** To the bare route: the document it answers with. */
export interface BareOrder {
  document: unknown;
}
