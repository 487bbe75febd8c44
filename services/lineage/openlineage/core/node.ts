import { isDigest } from "../../../../lib/core/ids.ts";
import type { JobName } from "./event.ts";

/**
 * How what OpenLineage names is called in the graph:
 *
 *   data set       its URI where its namespace is one: "s3://bucket" and "a/b.csv" are s3://bucket/a/b.csv, so that it is one node with what Weft read from
 *                  there; the digest where it is named by one; else dataset:NAMESPACE:NAME
 *   version of it  …#VERSION; the digest where the version is one
 *   job            job:NAMESPACE:NAME
 *   run            its UUID
 */
export function datasetNode({ namespace, name }: JobName): string {
  if (isDigest(name)) return name;
  if (/^file$/i.test(namespace)) return `file://${name.startsWith("/") ? "" : "/"}${name}`;
  if (!namespace.includes("://")) return `dataset:${namespace}:${name}`;
  return `${namespace.replace(/\/+$/, "")}/${name.replace(/^\/+/, "")}`;
}

/** Of the data set as such where no version is named. */
export function versionNode(dataset: string, version: string): string {
  if (version === "") return dataset;
  return isDigest(version) ? version : `${dataset}#${version}`;
}

/** The other way round: namespace and name of a URI, as OpenLineage's naming has them for files and objects. */
export function uriName(uri: string): JobName {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*)\/+(.+)$/s.exec(uri);
  if (match !== null) return { namespace: match[1]!, name: match[2]! };
  return { namespace: /^[^:]+:\/\//.exec(uri)?.[0] ?? "uri", name: uri };
}

export function jobNode({ namespace, name }: JobName): string {
  return `job:${namespace}:${name}`;
}

/** As Marquez names nodes of its graph. */
export interface MarquezNode extends JobName {
  readonly type: "dataset" | "job";
}

/**
 * "dataset:NAMESPACE:NAME" or "job:…". Namespaces hold colons (s3://bucket, postgres://host:5432), names rarely do: all but the last part is the
 * namespace, unless that cuts through a URI. Undefined: it is neither.
 */
export function parseMarquezNode(text: string): MarquezNode | undefined {
  const match = /^(dataset|job):(.+)$/s.exec(text);
  if (match === null) return undefined;
  const type = match[1] as MarquezNode["type"];
  // The colon of "://" and that before a port are the namespace's own.
  const uri = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/:]*(?::\d+)?(?:\/[^:]*)?):(.+)$/s.exec(match[2]!);
  const plain = /^([^:]+):(.+)$/s.exec(match[2]!);
  const found = uri ?? plain;
  return found === null ? undefined : { type, namespace: found[1]!, name: found[2]! };
}

export function marquezId(type: "dataset" | "job", { namespace, name }: JobName): string {
  return `${type}:${namespace}:${name}`;
}
