/** Which stories are told: all of them take longer than a run before each change may. */

/** Set to `full`, TIERLIFT_E2E has every story told. */
export const isFull = (): boolean => process.env["TIERLIFT_E2E"] === "full";

export const WHY_NOT = "a longer story of the same kind: TIERLIFT_E2E=full tells it";
