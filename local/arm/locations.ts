/** Regions the local cloud offers: name and display name as Azure has them. */
import { badRequest } from "./errors.ts";

const regions = {
  eastus: "East US",
  eastus2: "East US 2",
  westus: "West US",
  westus2: "West US 2",
  westus3: "West US 3",
  centralus: "Central US",
  northcentralus: "North Central US",
  southcentralus: "South Central US",
  canadacentral: "Canada Central",
  brazilsouth: "Brazil South",
  northeurope: "North Europe",
  westeurope: "West Europe",
  uksouth: "UK South",
  ukwest: "UK West",
  francecentral: "France Central",
  germanywestcentral: "Germany West Central",
  switzerlandnorth: "Switzerland North",
  norwayeast: "Norway East",
  swedencentral: "Sweden Central",
  polandcentral: "Poland Central",
  italynorth: "Italy North",
  spaincentral: "Spain Central",
  uaenorth: "UAE North",
  southafricanorth: "South Africa North",
  centralindia: "Central India",
  southindia: "South India",
  eastasia: "East Asia",
  southeastasia: "Southeast Asia",
  japaneast: "Japan East",
  japanwest: "Japan West",
  koreacentral: "Korea Central",
  australiaeast: "Australia East",
  australiasoutheast: "Australia Southeast",
} as const;

/** Compared without case and spaces: `West Europe` is `westeurope`. */
export const locationKey = (location: string): string => location.replace(/\s+/g, "").toLowerCase();

/** Names of all regions. */
export const regionNames = Object.keys(regions);

/** Display names, as providers list them. */
export const regionDisplayNames: string[] = Object.values(regions);

/** The region's own name, or `global` for the types that have no region. Throws 400 for anything else. */
export function requireLocation(location: string, type: string, isGlobal: boolean): string {
  const name = locationKey(location);
  const fits = isGlobal ? name === "global" : Object.hasOwn(regions, name);
  if (fits) return name;
  const offered = isGlobal ? "global" : regionNames.join(",");
  throw badRequest(
    "LocationNotAvailableForResourceType",
    `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${offered}'.`,
  );
}
