import { instanceCount, type TaskSpec } from "./spec.ts";

type Add = (path: readonly (string | number)[], message: string) => void;

/** What a task says about when it runs and how it counts. */
export function checkFlow(task: TaskSpec, add: Add): void {
  const { when } = task.flow;
  if (when !== "succeeded" && task.needs.length === 0) {
    add(["when"], `task "${task.name}" runs when ${when}, and needs no task that could end; name one in "needs"`);
  }
  checkTolerance(task, add);
}

function checkTolerance(task: TaskSpec, add: Add): void {
  const { count, share } = task.flow.tolerate;
  if (count === 0 && share === 0) return;
  const fits = Number.isInteger(count) && count >= 0 && share >= 0 && share <= 1;
  if (!fits) {
    const said = share === 0 ? `${count} failures` : `${Math.round(share * 10_000) / 100}% of failures`;
    add(["tolerate"], `${said} cannot be tolerated; a whole number from 0, or 0% to 100% would be right`);
  } else if (count > 0 && share > 0) {
    add(["tolerate"], "a number and a share of failures are tolerated at once; give one of the two");
  } else if (task.map.length > 0 && count >= instanceCount(task)) {
    add(
      ["tolerate"],
      `${count} failures are tolerated of ${instanceCount(task)} instances, so the task could never fail; write 100% if that is meant`,
    );
  }
}
