/** `tierlift watch`: a migration that is under way, seen again. */
import type { JobStatus } from "../../automation/model.ts";
import { command, OF_JOB } from "../command.ts";
import { findJob, findTenant } from "../find.ts";
import { exitCodeOf, following, printOutcome } from "../follow.ts";
import { isAtRest, pathOf, type Job } from "../watch.ts";

export const watch = command({
  name: "watch",
  operands: ["TENANT"],
  summary: "Shows how a migration goes until it has ended or failed",
  details:
    'Nothing is changed, and Ctrl-C leaves the migration as it is. With --json each event is a line of standard output; the last line is {"type":"result","job":…}.',
  options: {
    ...OF_JOB,
    until: { type: "string", value: "STATUS", help: "end there as well, for example VERIFICATION" },
  },
  async run(context, [name = ""], { job: jobId, until }) {
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    const wanted = until?.toUpperCase();
    const after = await following(context, { tenant, job, eventsOnStdout: true }, async (followed) => {
      const isSo = (status: JobStatus) => status === wanted;
      const now = await context.client.get<Job>(pathOf(job.id));
      return isAtRest(now, isSo) ? now : followed.watch.until(isSo);
    });
    printOutcome(context, tenant, after, "line");
    return exitCodeOf(after, ["COMPLETED", ...(wanted === undefined ? [] : [wanted as JobStatus])]);
  },
});
