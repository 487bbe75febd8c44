import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { signedText } from "../../services/registry/core/signed.ts";
import type { SigningKey, VerifiedVersion } from "../../sdk/index.ts";
import { actor } from "../actor.ts";
import { JobFailed } from "../failure.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stderr, stdout } from "../terminal.ts";
import { version } from "./promote.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

interface KeysOptions extends Options {
  readonly create?: string;
  readonly add?: string;
  readonly file?: string;
  readonly revoke?: string;
}

/** Only its owner may read a private key. */
const PRIVATE_MODE = 0o600;

export function keysCommand(): Command {
  return new Command("keys")
    .description("the keys that versions are signed with: list, create, add, revoke")
    .option("--create <name>", "make a key pair; the private key stays in --file, the public one goes to the server")
    .option("--add <name>", "let a key count that was made elsewhere: the public key in --file")
    .option("--file <path>", "PEM")
    .option("--revoke <name>", "signatures made with it count no more")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action((_options: KeysOptions, command: Command) => keys(command.optsWithGlobals<KeysOptions>()));
}

async function keys(options: KeysOptions): Promise<void> {
  const by = actor(process.env);
  const { create, add, revoke } = options;
  if ([create, add, revoke].filter((one) => one !== undefined).length > 1)
    throw new WeftError("invalid", "--create, --add and --revoke are three things; do one after the other");
  await withServer(options, async (client) => {
    if (create !== undefined)
      print(await client.models.addKey(create, await makeKey(create, options.file), by), options);
    else if (add !== undefined)
      print(await client.models.addKey(add, await readKey(needed(options.file, "--add")), by), options);
    else if (revoke !== undefined) print(await client.models.revokeKey(revoke, by), options);
    else print(await client.models.keys(), options);
  });
}

/** The public key. */
async function makeKey(name: string, file: string | undefined): Promise<string> {
  const path = file ?? `${name}.pem`;
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  try {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    // Never over a key that is there: what was signed with it could not be signed again.
    await writeFile(path, pem, { mode: PRIVATE_MODE, flag: "wx" });
  } catch (cause) {
    throw new WeftError("invalid", `the private key cannot be written to ${path}: ${describeError(cause)}`, { cause });
  }
  stderr.write(`the private key is in ${path}; keep it where only signers can read it\n`);
  return publicKey.export({ type: "spki", format: "pem" }).toString();
}

function needed(file: string | undefined, what: string): string {
  if (file === undefined) throw new WeftError("invalid", `${what} needs --file PATH`);
  return file;
}

async function readKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new WeftError("invalid", `the key ${path} cannot be read: ${describeError(cause)}`, { cause });
  }
}

function print(listed: readonly SigningKey[], { json }: Options): void {
  if (json) return printJson(listed);
  if (listed.length === 0) {
    stdout.write("there are no keys; `weft models keys --create NAME` makes one\n");
    return;
  }
  const rows = listed.map(({ name, addedAt, addedBy, revokedAt }) => [
    name,
    inColor(stdout.colors, revokedAt === null ? "active" : "refused", revokedAt === null ? "counts" : "revoked"),
    addedAt.toISOString(),
    printable(addedBy) || "-",
  ]);
  stdout.write(`${renderTable(stdout, ["KEY", "STATE", "ADDED", "BY"], rows)}\n`);
}

interface SignOptions extends Options {
  readonly key: string;
  readonly file?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("vouch for a version: its bytes are read on the server, its digest is signed here")
    .argument("<model>")
    .argument("<version>", "number of the version", version)
    .requiredOption("--key <name>", "a key of `weft models keys`")
    .option("--file <path>", "the private key, PEM (default: NAME.pem)")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action(async (model: string, number: number, _options: SignOptions, command: Command) => {
      const options = command.optsWithGlobals<SignOptions>();
      const key = await readPrivateKey(options.file ?? `${options.key}.pem`);
      await withServer(options, async (client) => {
        const found = await client.models.verify(model, number);
        if (found.digest === null)
          throw new WeftError(
            "failed_precondition",
            `version ${number} of ${model} has no files in the store: there is nothing to sign`,
          );
        if (found.faults.length > 0)
          throw new WeftError(
            "corrupt",
            `version ${number} of ${model} is not what it should be: ${found.faults.join("; ")}`,
          );
        const text = signedText({ uid: found.uid, digest: found.digest });
        const signature = sign(null, Buffer.from(text), key).toString("base64");
        printVerified(await client.models.sign(model, number, options.key, signature, actor(process.env)), options);
      });
    });
}

async function readPrivateKey(path: string): Promise<KeyObject> {
  const text = await readKey(path);
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new WeftError("invalid", `${path} holds no private key in PEM`, { cause });
  }
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description("read all bytes of a version on the server, and check its signatures; exit 1 when something is wrong")
    .argument("<model>")
    .argument("<version>", "number of the version", version)
    .option("--signed", "it is also wrong when nobody signed it")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action(async (model: string, number: number, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options & { readonly signed?: boolean }>();
      await withServer(options, async (client) => {
        const found = await client.models.verify(model, number);
        printVerified(found, options);
        const isSigned = found.signatures.some(({ state }) => state === "valid");
        const wrong =
          found.digest === null || found.faults.length > 0 || found.signatures.some(({ state }) => state === "invalid");
        if (wrong || (options.signed && !isSigned)) throw new JobFailed();
      });
    });
}

function printVerified(found: VerifiedVersion, { json }: Options): void {
  if (json) return printJson(found);
  const { model, digest, files, bytes, signatures, faults } = found;
  const head = digest === null ? "its files are not in the store" : `${digest}, ${files} files, ${bytes} bytes`;
  const lines = [`${printable(model)} version ${found.version}: ${head}`];
  for (const fault of faults) lines.push(`  ${stdout.colors.red("wrong")} ${printable(fault)}`);
  if (faults.length === 0 && digest !== null) lines.push("  all bytes are what they should be");
  for (const { key, state, by, at } of signatures)
    lines.push(`  ${state} signature of ${key}${by === "" ? "" : `, by ${printable(by)}`}, ${at.toISOString()}`);
  if (signatures.length === 0) lines.push("  nobody signed it");
  stdout.write(`${lines.join("\n")}\n`);
}
