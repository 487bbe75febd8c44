import type { Colors } from "./terminal.ts";

/** A state's sign in lists of tasks; running tasks have a spinner instead. */
export const STATE_SIGNS: Readonly<Record<string, string>> = {
  pending: "·",
  ready: "○",
  waiting: "?",
  assigned: "◌",
  running: "●",
  succeeded: "✓",
  failed: "✗",
  cancelled: "■",
  skipped: "-",
};

/** The text in the colour of the state. */
export function inColor(colors: Colors, state: string, text: string = state): string {
  switch (state) {
    case "succeeded":
    case "ready":
    case "active":
    case "fired":
    case "sent":
      return colors.green(text);
    case "failed":
    case "lost":
    case "refused":
    case "dead":
      return colors.red(text);
    case "running":
    case "assigned":
      return colors.cyan(text);
    case "cancelled":
    case "waiting":
    case "cordoned":
    case "draining":
    case "paused":
    case "dropped":
      return colors.yellow(text);
    default:
      return colors.dim(text);
  }
}
