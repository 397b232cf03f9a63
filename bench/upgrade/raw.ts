/** A process that does with the engine what anybody would do with it alone: same program, plugins, backend and cloud. */
import path from "node:path";
import { PROGRAM_MODULE } from "../../automation/engine/stack-engine.ts";
import { silentLogger } from "../../automation/logger.ts";
import { tenantRequest } from "../../automation/requests.ts";
import { runCommandLine } from "../../commands/command-line.ts";
import { composeAutomation, planEngine } from "../../commands/compose.ts";
import { ensureHome } from "../../commands/home.ts";
import { parseSettings } from "../../commands/settings.ts";
import { openTarget } from "../../commands/targets/open.ts";
import type { RawAnswer, RawOrder } from "./raw-protocol.ts";
import { runRaw } from "./raw-stack.ts";

await runCommandLine(async ({ signal }) => {
  const settings = parseSettings(process.env, path.resolve(import.meta.dirname, "../.."));
  const home = await ensureHome(settings.home);
  const target = await openTarget(settings, home);
  const { TIERLIFT_ENGINE_ROOT: engineRoot = "", TIERLIFT_BUNDLES: bundles = "" } = process.env;
  const options = { settings, home, target, engineRoot, bundles };
  const { ports, tierliftSettings } = await composeAutomation({ ...options, logger: silentLogger });
  const planned = await planEngine(options);
  // Not the bundled program: it registers with the SDK of its own bundle, of which this process's engine knows nothing.
  const engine = { ...planned, workspace: { ...planned.workspace, programModule: PROGRAM_MODULE } };

  async function perform({ kind, spec, credentials }: RawOrder): Promise<RawAnswer> {
    const { region } = spec.tenant;
    const { directoryId } = await ports.checkServicePrincipal(credentials, region, "PROFESSIONAL", signal);
    const dedicated = spec.dedicated && { ...spec.dedicated, azureTenantId: directoryId };
    const context = { ports, settings: tierliftSettings, signal };
    const request = await tenantRequest({ ...spec, dedicated }, credentials, context);
    return { type: "done", ...(await runRaw(kind, request, engine, signal)) };
  }

  process.on("message", (order: RawOrder) => {
    void perform(order)
      .catch((error: unknown): RawAnswer => ({ type: "failed", problem: String(error) }))
      .then((answer) => process.send?.(answer));
  });
  process.send?.({ type: "ready" } satisfies RawAnswer);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("disconnect", resolve);
  });
});
