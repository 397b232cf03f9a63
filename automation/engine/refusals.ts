/**
 * Which of Azure's and Kubernetes' refusals pass by themselves, from the text in which a plugin passes them on. Pure.
 * A wrong guess to the lenient side costs two more tries, one to the strict side a person's retry: in doubt it passes.
 */

/** Azure's words for "not now": throttling, a busy service, a principal or resource that is not replicated yet. */
const PASSING: ReadonlySet<string> = new Set([
  "AllocationFailed",
  "AnotherOperationInProgress",
  "AuthorizationFailed",
  "Conflict",
  "GatewayTimeout",
  "InternalOperationError",
  "InternalServerError",
  "LinkedAuthorizationFailed",
  "NotFound",
  "OperationNotAllowedOnBeingDeletedResource",
  "OperationPreempted",
  "OperationTimedOut",
  "OverconstrainedAllocationRequest",
  "OverconstrainedZonalAllocationRequest",
  "PrincipalNotFound",
  "ReferencedResourceNotProvisioned",
  "RequestTimeout",
  "ResourceGroupBeingDeleted",
  "ResourceGroupNotFound",
  "ResourceNotFound",
  "RetryableError",
  "ServerBusy",
  "ServerIsBusy",
  "ServerTimeout",
  "ServiceUnavailable",
  "SubscriptionRequestsThrottled",
  "Throttled",
  "TooManyRequests",
  "ZonalAllocationFailed",
]);

/** Refusals that are the same at the next try, whatever their status: someone has to change something first. */
const LASTING: ReadonlySet<string> = new Set([
  "BadRequest",
  "DisallowedOperation",
  "InvalidParameter",
  "InvalidRequestContent",
  "InvalidResourceName",
  "InvalidTemplate",
  "LocationNotAvailableForResourceType",
  "MissingSubscriptionRegistration",
  "NoRegisteredProviderFound",
  "PropertyChangeNotAllowed",
  "QuotaExceeded",
  "ReadOnlyDisabledSubscription",
  "RequestDisallowedByAzure",
  "RequestDisallowedByPolicy",
  "ScopeLocked",
  "SkuNotAvailable",
  "SubscriptionNotFound",
]);

/** Statuses with which a request is refused for what it says; with all others it may pass. */
const REFUSING = new Set([400, 401, 402, 405, 413, 415, 422]);

const STATUS_AND_CODE = [
  // This project's plugin: `PUT /subscriptions/…: status 400, InvalidParameter: …`
  /\bstatus (?:code )?(\d{3}), (\w+):/gi,
  // The official one, over autorest: `StatusCode=400 … Code="InvalidParameter"`
  /\bStatus(?:Code)?=(\d{3})\b[^"]*?\bCode="(\w+)"/g,
  // The official one, over azcore: `RESPONSE 400: 400 Bad Request ERROR CODE: InvalidParameter`
  /\bRESPONSE (\d{3})\b[\s\S]*?\bERROR CODE: (\w+)/g,
];
/** Of an operation that was accepted and failed: `the operation ended as Failed: QuotaExceeded: …` */
const ENDED = /\bended as (?:Failed|Canceled): (\w+):/gi;

/** Whether the text tells of a refusal that no repetition can change. */
export function isLasting(text: string): boolean {
  const refused = STATUS_AND_CODE.flatMap((pattern) => [...text.matchAll(pattern)]).some(
    ([, status = "", code = ""]) => LASTING.has(code) || (REFUSING.has(Number(status)) && !PASSING.has(code)),
  );
  return refused || [...text.matchAll(ENDED)].some(([, code = ""]) => LASTING.has(code));
}
