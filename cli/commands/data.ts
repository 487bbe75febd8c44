import { realpath, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename } from "node:path";
import { Command } from "commander";
import { type ArtifactClient, putTree } from "../../lib/artifacts.ts";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { TreeFile } from "../../lib/core/tree.ts";
import { digestFile } from "../../lib/digest.ts";
import { packFolder } from "../../lib/tree.ts";
import type { DataVersion } from "../../services/artifacts/index.ts";
import { actor } from "../actor.ts";
import { type Api, withApi } from "../api.ts";
import { download, filesOfFolder } from "../download.ts";
import { type ServerOption, serverOption, withStore } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
  readonly message?: string;
  readonly tag?: string;
  readonly force?: boolean;
}

type Added = DataVersion & { readonly existed: boolean };

export function dataCommand(): Command {
  const data = new Command("data").description("named data sets, each version kept for good");
  const sub = (name: string, about: string): Command =>
    data.command(name).description(about).option("--json", "print JSON").addOption(serverOption());
  sub("add", "store a file or a folder as the next version; nothing happens when the newest is the same")
    .argument("<name>")
    .argument("<path>", "file or folder")
    .option("-m, --message <text>", "what is in it, or what has changed")
    .option("--tag <tag>", "point this tag at it")
    .action(add);
  sub("list", "list the data sets, each with its newest version").action(list);
  sub("log", "list the versions of a data set, newest first").argument("<name>").action(log);
  sub("diff", "show the files in which two versions differ")
    .argument("<from>", "NAME@VERSION or NAME@TAG")
    .argument("<to>", "NAME@VERSION, NAME@TAG; NAME is the newest")
    .action(diff);
  sub("checkout", "write a version to a file or folder; each byte is checked")
    .argument("<data>", "NAME, NAME@VERSION or NAME@TAG")
    .argument("[path]", "where to put it; without it: its own name, here")
    .option("--force", "write over what is there")
    .action(checkout);
  sub("tag", "point a tag at a version")
    .argument("<data>", "NAME, NAME@VERSION or NAME@TAG")
    .argument("<tag>")
    .action(tag);
  return data.addHelpText(
    "after",
    "\nExamples:\n  $ weft data add iris data/iris/ -m 'March' --tag gold\n  $ weft data diff iris@2 iris@gold\n  $ weft data checkout iris@2 before/",
  );
}

const versionPath = (text: string): string => `/v1/data/${encodeURIComponent(text)}`;
const nameOf = ({ name, version }: DataVersion): string => `${name}@${version}`;
const resolve = (api: Api, text: string): Promise<DataVersion> => api.get(`find data set ${text}`, versionPath(text));

async function add(name: string, path: string, options: Options): Promise<void> {
  await withApi(options, async (api, client) => {
    const real = await realpath(path).catch(() => {
      throw new WeftError("not_found", `there is no ${path}; give a file or a folder`);
    });
    const isFolder = (await stat(real)).isDirectory();
    const digest = await withStore(client, (store) => (isFolder ? storeFolder(store, real) : storeFile(store, real)));
    const added = await api.post<Added>(`add to data set ${name}`, versionPath(name), {
      digest,
      kind: isFolder ? "tree" : "file",
      fileName: basename(real),
      source: `file://${hostname()}${real}`,
      message: options.message ?? "",
      by: actor(process.env),
    });
    const tagged = options.tag === undefined ? added : await setTag(api, nameOf(added), options.tag);
    if (options.json) return printJson({ ...tagged, existed: added.existed });
    const what = added.existed
      ? "is the same and stays the newest"
      : `${added.files} files, ${formatSize(added.bytes)}`;
    stdout.write(`${nameOf(added)}  ${what}  ${added.digest}\n`);
  });
}

async function storeFolder(store: ArtifactClient, path: string): Promise<Digest> {
  const packed = await packFolder(path, ["."]);
  if (packed.manifest.files.length === 0) throw new WeftError("invalid", `the folder ${path} is empty`);
  await putTree(store, packed, path);
  return packed.digest;
}

async function storeFile(store: ArtifactClient, path: string): Promise<Digest> {
  const { digest } = await digestFile(path);
  if ((await store.missing([digest])).length > 0) await store.putFile(digest, path);
  return digest;
}

async function list(options: Options): Promise<void> {
  await withApi(options, async (api) =>
    show((await api.get<{ data: DataVersion[] }>("list data sets", "/v1/data")).data, options),
  );
}

async function log(name: string, options: Options): Promise<void> {
  await withApi(options, async (api) => {
    const path = `${versionPath(name)}/log`;
    show((await api.get<{ versions: DataVersion[] }>(`list versions of ${name}`, path)).versions, options);
  });
}

function show(versions: readonly DataVersion[], options: Options): void {
  if (options.json) return printJson(versions);
  if (versions.length === 0) {
    stdout.write("there are no data sets; weft data add NAME PATH makes one\n");
    return;
  }
  const rows = versions.map((one) => [
    nameOf(one),
    one.tags.join(" "),
    formatSize(one.bytes),
    String(one.files),
    new Date(one.addedAtMs).toISOString().slice(0, 16),
    one.addedBy,
    printable(one.message.split("\n")[0] ?? ""),
  ]);
  stdout.write(`${renderTable(stdout, ["VERSION", "TAGS", "SIZE", "FILES", "ADDED", "BY", "MESSAGE"], rows)}\n`);
}

async function diff(from: string, to: string, options: Options): Promise<void> {
  await withApi(options, async (api, client) => {
    const [before, after] = await Promise.all([resolve(api, from), resolve(api, to)]);
    const [old, now] = await withStore(client, (store) => Promise.all([filesOf(store, before), filesOf(store, after)]));
    const added = [...now.values()].filter(({ path }) => !old.has(path));
    const removed = [...old.values()].filter(({ path }) => !now.has(path));
    const changed = [...now.values()].filter(
      (file) => old.has(file.path) && old.get(file.path)!.digest !== file.digest,
    );
    const found = { from: nameOf(before), to: nameOf(after), added, removed, changed };
    if (options.json) return printJson(found);
    const lines = [
      ...added.map((file) => `+ ${file.path}  ${formatSize(file.bytes)}`),
      ...removed.map((file) => `- ${file.path}  ${formatSize(file.bytes)}`),
      ...changed.map((file) => `~ ${file.path}  ${formatSize(old.get(file.path)!.bytes)} to ${formatSize(file.bytes)}`),
    ];
    const count = `${found.from} to ${found.to}: ${added.length} added, ${removed.length} removed, ${changed.length} changed`;
    stdout.write(`${[...lines.map(printable), count].join("\n")}\n`);
  });
}

/** By path; a file is one of its own name. */
async function filesOf(store: ArtifactClient, version: DataVersion): Promise<Map<string, TreeFile>> {
  const { digest, bytes, fileName: path } = version;
  if (version.kind === "file") return new Map([[path, { path, digest, bytes, executable: false }]]);
  const files = await filesOfFolder(store, digest);
  return new Map(files.map((file) => [file.path, file]));
}

async function checkout(text: string, path: string | undefined, options: Options): Promise<void> {
  await withApi(options, async (api, client) => {
    const version = await resolve(api, text);
    const target = path ?? version.fileName;
    await withStore(client, (store) => download(store, version, target, options.force ?? false));
    if (options.json) printJson({ ...version, path: target });
    else stdout.write(`${target}  ${nameOf(version)}  ${version.files} files, ${formatSize(version.bytes)}\n`);
  });
}

async function tag(text: string, name: string, options: Options): Promise<void> {
  await withApi(options, async (api) => {
    const tagged = await setTag(api, text, name);
    if (options.json) printJson(tagged);
    else stdout.write(`${tagged.name}@${name} is ${nameOf(tagged)}\n`);
  });
}

function setTag(api: Api, text: string, name: string): Promise<DataVersion> {
  const [data = "", version = ""] = text.split("@");
  return api.post(`tag ${text}`, `${versionPath(data)}/tags`, { version, tag: name });
}
