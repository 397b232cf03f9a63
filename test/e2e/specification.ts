/** The specification's request lines as it writes them; only what stands in braces is filled in by the test. */

const BASE = "http://localhost:8082/api/v1";

export const CURL = {
  upgradeTier: `curl -X POST ${BASE}/migrations/tenants/{tenantId}/upgrade-tier \\
-H "Authorization: Bearer $TOKEN" \\
-H "Content-Type: application/json" \\
-d '{
"targetTier": "PROFESSIONAL"
}'`,
  validatePayment: `curl -X POST ${BASE}/migrations/{jobId}/validate-payment \\
-H "Authorization: Bearer $ADMIN_TOKEN"`,
  submitCredentials: `curl -X POST ${BASE}/migrations/{jobId}/submit-credentials \\
-H "Authorization: Bearer $TOKEN" \\
-H "Content-Type: application/json" \\
-d '{
"clientId": "sp-client-id",
"clientSecretRef": "keyvault-secret-ref",
"azureTenantId": "azure-tenant-id",
"subscriptionId": "azure-subscription-id"
}'`,
  completeVerification: `curl -X POST ${BASE}/migrations/{jobId}/complete-verification \\
-H "Authorization: Bearer $TOKEN"`,
  rollback: `curl -X POST ${BASE}/migrations/{jobId}/rollback \\
-H "Authorization: Bearer $TOKEN" \\
-H "Content-Type: application/json" \\
-d '{
"reason": "Performance degradation observed in new infrastructure"
}'`,
  cancel: `curl -X POST ${BASE}/migrations/{jobId}/cancel \\
-H "Authorization: Bearer $TOKEN" \\
-H "Content-Type: application/json" \\
-d '{
"reason": "Budget constraints require postponement"
}'`,
  migrationStatus: `curl ${BASE}/migrations/tenants/{tenantId}/status \\
-H "Authorization: Bearer $TOKEN"`,
  history: `curl ${BASE}/migrations/tenants/{tenantId}/history \\
-H "Authorization: Bearer $TOKEN"`,
  active: `curl ${BASE}/migrations \\
-H "Authorization: Bearer $ADMIN_TOKEN"`,
  stats: `curl ${BASE}/migrations/stats \\
-H "Authorization: Bearer $ADMIN_TOKEN"`,
  provisioningStatus: `curl ${BASE}/tenants/{tenantId}/provisioning/status \\
-H "Authorization: Bearer $TOKEN"`,
  provisioningStream: `curl -N ${BASE}/tenants/{tenantId}/provisioning/status/stream \\
-H "Authorization: Bearer $TOKEN" \\
-H "Accept: text/event-stream"`,
} as const;
export type Call = keyof typeof CURL;
