import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { parseXid, type Xid, XID_REST_MS } from "../core/gpu/health.ts";
import { runCommand } from "./command.ts";

/** One record of /dev/kmsg is at most this long, in bytes (the kernel's PRINTK_MESSAGE_MAX). */
const RECORD_BYTES = 8_192;
/** Records of one look: a flood waits for the next one. */
const RECORDS_MAX = 20_000;

/**
 * XIDs that the NVIDIA driver wrote to the kernel's log since the last look. Best effort: it takes /dev/kmsg (root, or
 * kernel.dmesg_restrict=0), else `journalctl -k` (group systemd-journal); with neither there are no XIDs.
 */
export class KernelLog {
  readonly #path: string;
  #file: FileHandle | undefined;
  #source: "kmsg" | "journalctl" | "none" = "kmsg";
  #lookedAtMs = Date.now() - XID_REST_MS;

  constructor(path = "/dev/kmsg") {
    this.#path = path;
  }

  async xids(): Promise<Xid[]> {
    const sinceMs = this.#lookedAtMs;
    this.#lookedAtMs = Date.now();
    if (this.#source === "kmsg") return this.#fromKmsg();
    if (this.#source === "journalctl") return this.#fromJournal(sinceMs);
    return [];
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** A read gives one record, "priority,sequence,microseconds since boot,flags;text", and fails with EAGAIN at the end. */
  async #fromKmsg(): Promise<Xid[]> {
    const found: Xid[] = [];
    const buffer = Buffer.alloc(RECORD_BYTES);
    const bootMs = Date.now() - process.hrtime()[0] * 1_000;
    try {
      this.#file ??= await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
      for (let i = 0; i < RECORDS_MAX; i++) {
        const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) break;
        for (const line of buffer.toString("utf8", 0, bytesRead).split("\n")) {
          const sinceBootUs = Number(line.split(",", 3)[2]);
          const xid = parseXid(line, bootMs + (Number.isFinite(sinceBootUs) ? sinceBootUs / 1_000 : 0));
          if (xid) found.push(xid);
        }
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // EPIPE: records were overwritten before they were read; the next read goes on behind them.
      if (code !== "EAGAIN" && code !== "EPIPE") this.#source = "journalctl";
    }
    return found.filter((xid) => Date.now() - xid.atMs < XID_REST_MS);
  }

  async #fromJournal(sinceMs: number): Promise<Xid[]> {
    const since = `--since=@${Math.floor(sinceMs / 1_000)}`;
    const result = await runCommand("journalctl", ["-k", "-q", "--no-pager", "-o", "short-unix", since]);
    if (result.kind === "missing" || (result.kind === "exited" && result.code !== 0)) this.#source = "none";
    if (result.kind !== "exited") return [];
    return result.stdout.split("\n").flatMap((line) => parseXid(line, Number(line.split(" ", 1)[0]) * 1_000) ?? []);
  }
}
