/** What the file that an environment is built from says of packages. */
export interface Locked {
  /** Name to version, of those that it fixes. */
  readonly packages: ReadonlyMap<string, string>;
  /** Requirements that another version may fulfil tomorrow. */
  readonly loose: readonly string[];
  /** Other files that it has the packages of, as it writes them: relative to its own folder. */
  readonly includes: readonly string[];
}

const NOTHING_LOOSE = { loose: [], includes: [] };

/** Reads a package-lock.json, a uv.lock, a pylock.toml, or a requirements file, by the name of the file. */
export function readLock(path: string, text: string): Locked {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.endsWith(".json")) return readNpmLock(text);
  if (name === "uv.lock" || name.endsWith(".toml")) return { packages: tomlPackages(text), ...NOTHING_LOOSE };
  return readRequirements(text);
}

/** lockfileVersion 2 and 3: https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
function readNpmLock(text: string): Locked {
  let packages: Readonly<Record<string, { readonly version?: unknown }>> = {};
  try {
    packages = (JSON.parse(text) as { packages?: typeof packages } | null)?.packages ?? {};
  } catch {
    // npm refuses it when it is installed; here nothing is known of it.
  }
  const found = Object.entries(packages).flatMap(([path, { version }]) =>
    path !== "" && typeof version === "string" ? [[path.replace(/^node_modules\//, ""), version] as const] : [],
  );
  return { packages: new Map(found), ...NOTHING_LOOSE };
}

/** The tables of packages of uv.lock and pylock.toml (PEP 751): tools write each key on a line of its own. */
function tomlPackages(text: string): Map<string, string> {
  const packages = new Map<string, string>();
  for (const table of text.split(/^\[\[packages?\]\]\s*$/m).slice(1)) {
    const own = table.split(/^\[/m, 1)[0]!;
    const name = /^name\s*=\s*"([^"]+)"/m.exec(own)?.[1];
    if (name !== undefined) packages.set(normalized(name), /^version\s*=\s*"([^"]+)"/m.exec(own)?.[1] ?? "");
  }
  return packages;
}

/** https://pip.pypa.io/en/stable/reference/requirements-file-format/ */
function readRequirements(text: string): Locked {
  const packages = new Map<string, string>();
  const loose: string[] = [];
  const includes: string[] = [];
  for (const line of text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/)) {
    const requirement = line.replace(/(^|\s)#.*$/, "").trim();
    const included = /^(?:-r\s*|--requirement(?:\s+|=))(\S+)/.exec(requirement)?.[1];
    if (included !== undefined) includes.push(included);
    // Other options say where packages come from.
    if (requirement === "" || requirement.startsWith("-")) continue;
    const exact = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*([^\s;,*]+)(?=\s|;|$)/.exec(requirement);
    const [, name, version] = exact ?? [];
    if (name !== undefined && version !== undefined) packages.set(normalized(name), version);
    else if (!requirement.includes("--hash=")) loose.push(requirement.split(/\s/, 1)[0]!);
  }
  return { packages, loose, includes };
}

/** PEP 503. */
function normalized(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}
