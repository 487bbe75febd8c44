import { isAlias, isMap, isPair, isSeq, type Alias, type Document, type Node } from "yaml";
import type { LocatedIssue, Source } from "./source.ts";

/** Values that aliases may add to one file: what YAML's anchors can multiply (a "billion laughs") is bounded by it. */
const ALIASED_VALUES_MAX = 100_000;

export interface Aliases {
  readonly targets: ReadonlyMap<Alias, Node>;
  readonly issues: readonly LocatedIssue[];
}

/**
 * What each alias stands for, found in one pass. (The library's own look-up reads the whole document for each alias.)
 */
export function resolveAliases(document: Document, source: Source): Aliases {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const weights = new Map<Node, number>();
  const issues: LocatedIssue[] = [];
  let aliased = 0;

  /** Values below the node with its aliases expanded. */
  const weigh = (node: unknown): number => {
    if (isPair(node)) return weigh(node.key) + weigh(node.value);
    if (isAlias(node)) return weighAlias(node);
    if (!isMap(node) && !isSeq(node)) {
      remember(node);
      return 1;
    }
    remember(node);
    let weight = 1;
    for (const item of node.items) weight += weigh(item);
    weights.set(node, weight);
    return weight;
  };
  const remember = (node: unknown): void => {
    const anchor = (node as { anchor?: string } | null)?.anchor;
    if (anchor !== undefined) anchors.set(anchor, node as Node);
  };
  const weighAlias = (alias: Alias): number => {
    const target = anchors.get(alias.source);
    const at = alias.range?.[0] ?? 0;
    if (!target) {
      issues.push(
        source.issueAt(
          at,
          [],
          `there is no anchor &${alias.source} before this *${alias.source}; a text that begins with * is put in quotes`,
        ),
      );
      return 1;
    }
    if ((isMap(target) || isSeq(target)) && !weights.has(target)) {
      issues.push(
        source.issueAt(
          at,
          [],
          `*${alias.source} stands inside &${alias.source}, which would then hold itself; take it away`,
        ),
      );
      return 1;
    }
    targets.set(alias, target);
    const weight = weights.get(target) ?? 1;
    const before = aliased;
    aliased += weight;
    if (before <= ALIASED_VALUES_MAX && aliased > ALIASED_VALUES_MAX) {
      issues.push(
        source.issueAt(
          at,
          [],
          `aliases stand for more than ${ALIASED_VALUES_MAX} values; use a map for many like tasks`,
        ),
      );
    }
    return weight;
  };
  weigh(document.contents);
  return { targets, issues };
}
