/** Before the tests: what of them is left out. */
import { leftOut } from "../e2e/scope.ts";

export function setup(): void {
  const skipped = leftOut();
  if (skipped !== undefined) console.warn(`tests: ${skipped}`);
}
