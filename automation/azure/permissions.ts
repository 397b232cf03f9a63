/** Which actions a set of permission entries grants. Pure. */

export interface PermissionEntry {
  actions?: string[];
  notActions?: string[];
}

/**
 * Effective rights are the union over entries of actions minus notActions, with `*` for any characters and without
 * case (Azure's role-based access control, "Permissions - list").
 */
export function missingActions(entries: PermissionEntry[], needed: readonly string[]): string[] {
  return needed.filter((action) => !entries.some((entry) => grants(entry, action)));
}

const grants = ({ actions = [], notActions = [] }: PermissionEntry, action: string) =>
  actions.some((pattern) => matches(pattern, action)) &&
  !notActions.some((pattern) => matches(pattern, action));

function matches(pattern: string, action: string): boolean {
  const expression = pattern.split("*").map(escapeExpression).join(".*");
  return new RegExp(`^${expression}$`, "i").test(action);
}

const escapeExpression = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
