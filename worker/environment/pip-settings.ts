import type { Install } from "./install.ts";
import type { Interpreter } from "./interpreter.ts";

/** pip's setting and the variable by which uv takes the same. */
const SAME: Readonly<Record<string, string>> = {
  "index-url": "UV_DEFAULT_INDEX",
  "extra-index-url": "UV_INDEX",
  "find-links": "UV_FIND_LINKS",
  "no-index": "UV_NO_INDEX",
  cert: "SSL_CERT_FILE",
};
const LINE = /^(?:global|install|:env:)\.\.?([a-z-]+)=(['"])(.*)\2$/gm;

/**
 * uv does not read pip.conf or PIP_*; where a machine says there which index to use, uv is told the same by variables.
 * What the machine tells uv itself (UV_*) goes before. Empty where this Python has no pip.
 */
export async function pipSettings(python: Interpreter, install: Install, cwd: string): Promise<Record<string, string>> {
  const step = { program: python.path, args: ["-m", "pip", "config", "list"], cwd, title: "pip config list" };
  const text = await install({ ...step, reason: "last lines", quiet: true }).catch(() => "");
  return settingsForUv(text, process.env);
}

/** `text`: what `pip config list` prints; later lines go before earlier ones, as pip has it. */
export function settingsForUv(
  text: string,
  machine: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [, name, , value] of text.matchAll(LINE)) {
    const variable = SAME[name!];
    if (variable === undefined || machine[variable] !== undefined) continue;
    // pip parts several by lines or blanks, uv by commas (paths) or blanks (indexes).
    const parts = value!.split(/\\n|\s+/).filter((part) => part !== "");
    settings[variable] = parts.join(variable === "UV_FIND_LINKS" ? "," : " ");
  }
  return settings;
}
