import * as pulumi from "@pulumi/pulumi";

/**
 * A function's answer with the dependencies of what it was asked with. While an argument is unknown the SDK gives an
 * answer without dependencies, so that a first update would have more of them than its preview and be refused as
 * something else than what was approved.
 */
export function dependingOn<T>(
  answer: pulumi.Output<T>,
  askedWith: pulumi.Output<unknown>[],
): pulumi.Output<T> {
  // Secret only if the answer is: an argument's own secretness belongs to the argument.
  return pulumi.all([answer, pulumi.all(askedWith)]).apply(([value]) => value) as pulumi.Output<T>;
}
