/** The principal that reaches an account or a namespace; without one it is the ambient identity of the machine. */
import { z } from "zod";

export const loginSchema = z.object({
  azureTenantId: z.string().min(1),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});
export type Login = z.infer<typeof loginSchema>;
