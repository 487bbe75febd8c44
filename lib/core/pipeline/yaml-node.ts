import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type YAMLMap } from "yaml";
import { hint } from "./nearest.ts";
import type { LocatedIssue, Source } from "./source.ts";
import type { PipelineSpec, Scalar } from "./spec.ts";

export type Path = readonly (string | number)[];

export interface Entry {
  readonly name: string;
  readonly path: Path;
  /** Where the key stands. */
  readonly offset: number;
  /** Null: nothing is written after the colon. */
  readonly value: Node | null;
}

/** Reads nodes as what they should be; what is not becomes an issue with its place, and undefined. */
export class NodeReader {
  readonly issues: LocatedIssue[] = [];
  private readonly aliases: ReadonlyMap<Alias, Node>;
  private readonly source: Source;
  /** The pipeline of another file, or why there is none. */
  readonly readOther: (path: string) => PipelineSpec | string;

  constructor(
    aliases: ReadonlyMap<Alias, Node>,
    source: Source,
    readOther: (path: string) => PipelineSpec | string = () => "no other files can be read",
  ) {
    this.readOther = readOther;
    this.aliases = aliases;
    this.source = source;
  }

  issue(offset: number, path: Path, message: string): undefined {
    this.issues.push(this.source.issueAt(offset, path, message));
    return undefined;
  }

  /** The entries of a mapping, with those of `<<` under its own; undefined when it is none. */
  entries(node: Node | null, path: Path, what: string, offset: number): Entry[] | undefined {
    const map = this.resolve(node);
    if (map === null) return this.issue(offset, path, `${what} is empty; a mapping of names to values would be right`);
    if (!isMap(map))
      return this.issue(offsetOf(map), path, `${what} is ${kindOf(map)}; a mapping (name: value) would be right`);
    const own = this.pairs(map, path);
    const names = new Set(own.map(({ name }) => name));
    const merged: Entry[] = [];
    for (const entry of own.filter(({ name }) => name === "<<")) {
      for (const inherited of this.merge(entry)) {
        if (names.has(inherited.name)) continue;
        names.add(inherited.name);
        merged.push({ ...inherited, path: [...path, inherited.name] });
      }
    }
    return [...merged, ...own.filter(({ name }) => name !== "<<")];
  }

  private pairs(map: YAMLMap, path: Path): Entry[] {
    const seen = new Set<string>();
    const entries: Entry[] = [];
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      if (!isScalar(key) || key.value === null) {
        this.issue(offsetOf(key ?? map), path, "a name must be a word, not a list or a mapping");
        continue;
      }
      const name = typeof key.value === "string" ? key.value : (key.source ?? JSON.stringify(key.value));
      if (seen.has(name)) {
        this.issue(offsetOf(key), [...path, name], `"${name}" stands here for the second time; keep one of the two`);
        continue;
      }
      seen.add(name);
      entries.push({ name, path: [...path, name], offset: offsetOf(key), value: pair.value as Node | null });
    }
    return entries;
  }

  private merge(entry: Entry): Entry[] {
    const node = this.resolve(entry.value);
    const list = isSeq(node) ? (node.items as Node[]) : [node];
    return list.flatMap((item) => {
      const map = this.resolve(item);
      if (isMap(map)) return this.pairs(map, entry.path);
      this.issue(entry.offset, entry.path, "<< takes in the entries of a mapping, like <<: *name");
      return [];
    });
  }

  /** The items of a list; undefined when it is none. */
  items(entry: Entry, right: string): Node[] | undefined {
    const node = this.resolve(entry.value);
    if (isSeq(node)) return node.items as Node[];
    const found = node === null ? "empty" : kindOf(node);
    return this.issue(
      node === null ? entry.offset : offsetOf(node),
      entry.path,
      `"${entry.name}" is ${found}; ${right}`,
    );
  }

  /** A JSON scalar; what YAML would silently change (large numbers) is refused. */
  scalar(node: Node | null, path: Path, offset: number, what: string): Scalar | undefined {
    const resolved = this.resolve(node);
    if (resolved === null) return null;
    if (!isScalar(resolved)) {
      return this.issue(
        offsetOf(resolved),
        path,
        `${what} is ${kindOf(resolved)}; a string, a number, true, false or null would be right`,
      );
    }
    const { value } = resolved;
    if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return this.issue(
        offsetOf(resolved),
        path,
        `${what} ${resolved.source} is too large to be kept exactly; put it in quotes`,
      );
    }
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return value;
    return this.issue(offset, path, `${what} is of a kind that Weft does not know; put it in quotes`);
  }

  /** A text, or a number or boolean as it was written; `right` says what would be right. */
  text(node: Node | null, path: Path, offset: number, what: string, right: string): string | undefined {
    const resolved = this.resolve(node);
    if (resolved === null || (isScalar(resolved) && resolved.value === null)) {
      return this.issue(offset, path, `${what} has no value; ${right}`);
    }
    if (!isScalar(resolved)) return this.issue(offsetOf(resolved), path, `${what} is ${kindOf(resolved)}; ${right}`);
    return typeof resolved.value === "string" ? resolved.value : (resolved.source ?? String(resolved.value));
  }

  unknownKey(entry: Entry, where: string, known: readonly string[], later: ReadonlySet<string>): void {
    const message = later.has(entry.name)
      ? `"${entry.name}" is not supported yet in ${where}; take it away for now`
      : `"${entry.name}" is not known in ${where}${hint(entry.name, known)}`;
    this.issue(entry.offset, entry.path, message);
  }

  /** What an alias stands for; null for nothing at all. */
  resolve(node: Node | null): Node | null {
    const target = isAlias(node) ? (this.aliases.get(node) ?? null) : node;
    return isScalar(target) && target.value === null && !target.source ? null : target;
  }
}

export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function kindOf(node: Node): string {
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  const value = isScalar(node) ? node.value : undefined;
  if (value === null) return "empty";
  const shown = JSON.stringify(value);
  return shown !== undefined && shown.length <= 60 ? `${shown}` : "a text";
}
