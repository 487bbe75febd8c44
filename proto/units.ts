/**
 * How people write durations, sizes and CPUs, in weft.yaml and in the SDK. All results are whole numbers of the
 * smallest unit: milliseconds, bytes, thousandths of a CPU.
 */
export type Parsed = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly message: string };

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** B, the powers of 1000 (kB, MB, …), the powers of 1024 (KiB, MiB, …) and Kubernetes' short forms of those (Ki, Mi, …). */
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  PiB: 1024 ** 5,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([A-Za-zµ]*)$/;

function split(text: string): { amount: number; unit: string } | undefined {
  const match = QUANTITY.exec(text.trim());
  return match ? { amount: Number(match[1]), unit: match[2]! } : undefined;
}

/** The unit that was meant when only its case is wrong: "gib" → "GiB". */
function sameButCase(unit: string, units: Readonly<Record<string, number>>): string | undefined {
  return Object.keys(units).find((known) => known.toLowerCase() === unit.toLowerCase());
}

/** "250ms", "10s", "1.5m", "2h", "7d" to milliseconds. A number without a unit is refused: it could be either. */
export function parseDuration(text: string | number): Parsed {
  const right = "write a duration with its unit, like 250ms, 10s, 1.5m, 2h or 7d";
  const quantity = split(String(text));
  if (!quantity) return { ok: false, message: `"${text}" is not a duration; ${right}` };
  const { amount, unit } = quantity;
  if (unit === "" && amount === 0) return { ok: true, value: 0 };
  if (unit === "") return { ok: false, message: `${text} has no unit; ${right} (did you mean ${amount}s?)` };
  const factor = Object.hasOwn(DURATION_UNITS, unit) ? DURATION_UNITS[unit]! : undefined;
  if (factor === undefined) {
    const near = sameButCase(unit, DURATION_UNITS);
    return {
      ok: false,
      message: `"${unit}" is not a unit of time${near ? ` (did you mean ${amount}${near}?)` : ""}; ${right}`,
    };
  }
  return { ok: true, value: Math.round(amount * factor) };
}

/** "512MB" (powers of 1000), "8GiB" or "8Gi" (powers of 1024), or a plain number of bytes. */
export function parseSize(text: string | number): Parsed {
  const right = "write a size like 512MB, 8GiB, or a plain number of bytes";
  const quantity = split(String(text));
  if (!quantity) return { ok: false, message: `"${text}" is not a size; ${right}` };
  const { amount, unit } = quantity;
  const factor = unit === "" ? 1 : Object.hasOwn(SIZE_UNITS, unit) ? SIZE_UNITS[unit]! : undefined;
  if (factor === undefined) {
    const near = sameButCase(unit, SIZE_UNITS) ?? (/^[kmgtp]$/i.test(unit) ? `${unit.toUpperCase()}iB` : undefined);
    return {
      ok: false,
      message: `"${unit}" is not a unit of size${near ? ` (did you mean ${amount}${near}?)` : ""}; ${right}`,
    };
  }
  return { ok: true, value: Math.round(amount * factor) };
}

/** 2, 0.5 or "500m" (Kubernetes' thousandths) to CPUs, a fraction to a thousandth. */
export function parseCpus(text: string | number): Parsed {
  const right = "write a number of CPUs like 2, 0.5 or 500m";
  const quantity = split(String(text));
  if (!quantity) return { ok: false, message: `"${text}" is not a number of CPUs; ${right}` };
  if (quantity.unit === "m") return { ok: true, value: quantity.amount / 1000 };
  if (quantity.unit !== "") return { ok: false, message: `"${quantity.unit}" is not a unit of CPUs; ${right}` };
  return { ok: true, value: quantity.amount };
}

/** 5400000 → "1h30m", 250 → "250ms", 12345 → "12.3s". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")}s`;
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join("");
}

/** 1536 → "1.5KiB". */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1).replace(/\.0$/, "")}${units[unit]}`;
}

/** Names for priorities of jobs; any whole number from -1000 to 1000 may stand between. */
export const PRIORITIES: Readonly<Record<string, number>> = { low: -100, normal: 0, high: 100, critical: 500 };

/** Undefined: neither a class nor a whole number. */
export function parsePriority(text: string): number | undefined {
  if (Object.hasOwn(PRIORITIES, text)) return PRIORITIES[text];
  return /^[+-]?\d{1,4}$/.test(text) ? Number(text) : undefined;
}
