/** Plans as they are written: which calls they are about, what happens to them, and how often. */
import { z } from "zod";
import { badRequest, ArmError } from "../errors.ts";
import { calls, verbs } from "../plan.ts";
import { behaviourOf } from "../types/index.ts";
import { places } from "./durations.ts";

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "a name has letters, digits, '.', '_' and '-', at most 80");
const milliseconds = z.number().min(0).max(3_600_000);

const type = z.string().refine((text) => text.includes("*") || behaviourOf(text) !== undefined, {
  error: (issue) => `'${String(issue.input)}' is no resource type of the local cloud`,
});

/** Requests to the API servers of managed clusters; in all texts `*` stands for any text. */
const kubernetes = z.strictObject({
  /** As kubectl takes it, `deployments` or `deployments.apps`; a subresource follows a slash. */
  resource: z
    .string()
    .regex(/^[a-z0-9.*-]+(\/[a-z*]+)?$/, "the plural as kubectl takes it is wanted, 'deployments.apps'")
    .optional(),
  verbs: z.array(z.enum(verbs)).min(1).optional(),
  namespace: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  /** Name or id of the managed cluster. */
  cluster: z.string().min(1).optional(),
});

const match = z.strictObject({
  /** Without case; `*` stands for any text. */
  type: type.optional(),
  /** Of the resource, without case; `*` stands for any text. */
  id: z.string().min(1).optional(),
  calls: z.array(z.enum(calls)).min(1).optional(),
  /** Only a PUT or PATCH that makes, or that changes, a resource; for Kubernetes a POST, PUT or PATCH. */
  change: z.enum(["create", "update"]).optional(),
  kubernetes: kubernetes.optional(),
});

/** Until the work was done (its operation has ended), or until it was accepted. */
const when = z.enum(["accepted", "done"]).default("done");

const effect = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("latency"),
    ms: milliseconds,
    /** Of the request, or of the work behind it. */
    at: z.enum(["request", "operation"]).default("request"),
  }),
  z.strictObject({
    kind: z.literal("azure-latency"),
    /** 1 is Azure's own time, 0.01 a hundredth of it. */
    factor: z.number().min(0).max(10).default(1),
    place: z.enum(places).default("middle"),
  }),
  z.strictObject({
    kind: z.literal("fail"),
    at: z.enum(["acceptance", "operation"]).default("acceptance"),
    status: z.int().min(400).max(599).default(500),
    code: z.string().min(1).default("InternalServerError"),
    message: z.string().min(1).default("A plan of the local cloud lets this fail."),
  }),
  z.strictObject({
    kind: z.literal("throttle"),
    /** Fractions are told in milliseconds too, for clients that read those. */
    retryAfterSeconds: z.number().min(0.001).max(3600).default(1),
    code: z.string().min(1).default("TooManyRequests"),
  }),
  z.strictObject({ kind: z.literal("timeout"), when }),
  z.strictObject({ kind: z.literal("lose-answer"), when }),
]);

const faultRule = z
  .strictObject({
    match: match.default({}),
    effect,
    /** Uses until it is spent; without it, it never is. */
    times: z.int().min(1).max(1_000_000).optional(),
    /** Calls that match and are let through first. */
    skip: z.int().min(0).max(1_000_000).default(0),
  })
  .superRefine(refuseUnlikelyKubernetes)
  .superRefine((rule, context) => {
    const path = ["match", "calls"];
    const change = rule.match.calls?.filter((call) => ["PUT", "PATCH", "DELETE"].includes(call)) ?? [];
    if (isOfOperation(rule.effect) && rule.match.calls !== undefined && change.length === 0) {
      const message = "only PUT, PATCH and DELETE have work behind them that a plan can slow down or fail";
      context.addIssue({ code: "custom", path, message });
    }
  });

type Ruled = { match: z.infer<typeof match>; effect: FaultEffect };

function refuseUnlikelyKubernetes(rule: Ruled, context: z.RefinementCtx): void {
  if (rule.match.kubernetes === undefined) return;
  for (const member of ["type", "id", "calls"] as const) {
    if (rule.match[member] === undefined) continue;
    const message = "a plan is about the resource manager's calls or about Kubernetes, not both";
    context.addIssue({ code: "custom", path: ["match", member], message });
  }
  if (isOfOperation(rule.effect)) {
    const message = "a request to Kubernetes has no work behind it that a plan can slow down or fail";
    context.addIssue({ code: "custom", path: ["effect"], message });
  }
}

const namedRule = z.strictObject({ plans: z.record(name, faultRule) });

export type FaultEffect = z.infer<typeof effect>;
export type FaultRule = z.infer<typeof faultRule>;

/** True when it is about the work behind a change, not about the request. */
export const isOfOperation = (one: FaultEffect): boolean =>
  one.kind === "azure-latency" ||
  (one.kind === "latency" && one.at === "operation") ||
  (one.kind === "fail" && one.at === "operation");

/** Throws 400 `InvalidPlan` that names every finding by its path. */
export const parseRule = (value: unknown): FaultRule => parse(faultRule, value);

/** All plans, by name. Throws like `parseRule`. */
export const parseRules = (value: unknown): Record<string, FaultRule> => parse(namedRule, value).plans;

/** Throws like `parseRule`. */
export const parseName = (value: string): string => parse(name, value);

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => ({
    code: "InvalidPlan",
    target: issue.path.join("."),
    message: issue.message,
  }));
  const [first] = details;
  if (first === undefined) throw badRequest("InvalidPlan", "The plan is not valid.");
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : "";
  throw new ArmError(
    400,
    "InvalidPlan",
    `The plan is not valid: ${first.target || "the body"}: ${first.message}${more}`,
    { target: first.target, details },
  );
}
