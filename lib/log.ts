import { destination, pino, stdTimeFunctions, type Level, type Logger } from "pino";

export type Log = Logger;
export type LogLevel = Level | "silent";

/**
 * JSON lines on stderr; stdout is for results. Written synchronously: the line that says why a process ends must not
 * be lost with it, and Weft logs what happens to the cluster, not every task.
 */
export function openLog(options: { name: string; level?: LogLevel }): Log {
  return pino(
    {
      name: options.name,
      level: options.level ?? "info",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ dest: 2, sync: true }),
  );
}

export function silentLog(): Log {
  return pino({ level: "silent" });
}
