import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { describeError, WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { readManifest } from "../artifacts/index.ts";
import { checkModelName, invalid, parseVersion } from "./core/name.ts";
import { signedText } from "./core/signed.ts";
import type { Desk } from "./desk.ts";
import { insertKey, type KeyRow, listKeys, putSignature, revokeKey, signaturesOf } from "./key-store.ts";
import { getModel } from "./model-store.ts";
import type { Actor } from "./parts.ts";
import { getVersion, type VersionRow } from "./version-store.ts";
import { lockVersions } from "./versions.ts";

const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const PEM_CHARS_MAX = 1_000;

export interface SignatureCheck {
  readonly key: string;
  /** valid, invalid (over other bytes, or made with another key), revoked */
  readonly state: "valid" | "invalid" | "revoked";
  readonly by: Actor;
  readonly atMs: number;
}

export interface Verified {
  readonly uid: string;
  /** Null: we do not have the files. */
  readonly digest: Digest | null;
  readonly signatures: readonly SignatureCheck[];
  readonly files: number;
  readonly bytes: number;
  /** What is wrong with the stored bytes, a line each. */
  readonly faults: readonly string[];
}

/** Who vouches for versions: keys, signatures (ed25519), and whether bytes and signatures are what they should be. */
export class Signing {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async addKey(name: string, publicKey: string, by: Actor): Promise<void> {
    if (!KEY_NAME.test(name))
      throw invalid(`"${name}" cannot name a key; a letter or digit, then up to 62 letters, digits, ., - and _`);
    const pem = readPublicKey(publicKey).export({ type: "spki", format: "pem" }).toString();
    await this.#desk.change(by, async (work) => {
      if (!(await insertKey(work.client, { name, publicKey: pem, by }, work.nowMs)))
        throw new WeftError("conflict", `there is a key "${name}" already; a name is never used for another key`);
      await work.tell({ entity: "key", action: "CREATED", model: "", isPrompt: false, data: { name }, more: {} });
    });
  }

  /** Signatures made with it count no more, those of before included: nobody can tell when they were made. */
  async revokeKey(name: string, by: Actor): Promise<void> {
    await this.#desk.change(by, async (work) => {
      if (!(await revokeKey(work.client, name, work.nowMs)))
        throw new WeftError("not_found", `there is no key "${name}" that could be revoked`);
      await work.tell({ entity: "key", action: "DELETED", model: "", isPrompt: false, data: { name }, more: {} });
    });
  }

  keys(): Promise<KeyRow[]> {
    return listKeys(this.#desk.parts.pool);
  }

  /** Keeps a signature that its maker made with the private key, which we never see. Errors: `invalid` when it does not fit. */
  async sign(
    asked: { readonly name: string; readonly version: string; readonly key: string; readonly signature: string },
    by: Actor,
  ): Promise<void> {
    checkModelName(asked.name);
    const number = parseVersion(asked.version);
    const key = (await this.keys()).find(({ name }) => name === asked.key);
    if (!key || key.revokedMs !== null)
      throw new WeftError("not_found", `there is no key "${asked.key}" that counts; \`weft models keys\` lists them`);
    await this.#desk.change(by, async (work) => {
      const model = await lockVersions(work, asked.name, asked.version);
      const row = await getVersion(work.client, model, number, asked.version);
      if (!isSigned(row, key, asked.signature))
        throw invalid(`the signature does not fit version ${number} of ${model.name} and the key "${key.name}"`);
      await putSignature(work.client, row.uid, { key: key.name, signature: asked.signature, atMs: work.nowMs, by });
      await work.tell({
        entity: "version",
        action: "SIGNED",
        model: model.name,
        isPrompt: model.isPrompt,
        data: { name: model.name, version: String(number), key: key.name, digest: row.digest },
        more: { uid: row.uid },
      });
    });
  }

  /** Reads all bytes of the version, and holds its signatures against the keys that count. */
  async verify(name: string, version: string): Promise<Verified> {
    const { pool } = this.#desk.parts;
    const model = await getModel(pool, checkModelName(name));
    const row = await getVersion(pool, model, parseVersion(version), version);
    const keys = new Map((await listKeys(pool)).map((key) => [key.name, key]));
    const signatures = ((await signaturesOf(pool, [row.uid])).get(row.uid) ?? []).map((one): SignatureCheck => {
      const state = signatureState(row, keys.get(one.key), one.signature);
      return { key: one.key, state, by: one.by, atMs: one.atMs };
    });
    const { digest, uid, files, bytes } = row;
    return { uid, digest, signatures, files, bytes, faults: await this.#faults(row) };
  }

  async #faults({ digest }: VersionRow): Promise<string[]> {
    if (digest === null) return [];
    const { artifacts } = this.#desk.parts;
    const faults: string[] = [];
    const check = async (what: string, of: Digest): Promise<void> => {
      try {
        await artifacts.verify(of);
      } catch (error) {
        faults.push(`${what}: ${describeError(error)}`);
      }
    };
    await check("the manifest", digest);
    if (faults.length > 0) return faults;
    const tree = await readManifest(artifacts, digest);
    for (const file of tree.files) await check(file.path, file.digest);
    return faults;
  }
}

function readPublicKey(text: string): KeyObject {
  if (text.length > PEM_CHARS_MAX)
    throw invalid(`a public key of ed25519 has some 110 characters; this has ${text.length}`);
  let key: KeyObject | undefined;
  try {
    key = createPublicKey(text);
  } catch {
    // As below: it is no key.
  }
  if (key?.asymmetricKeyType !== "ed25519" || text.includes("PRIVATE"))
    throw invalid("it is no public key of ed25519 in PEM (-----BEGIN PUBLIC KEY-----)");
  return key;
}

/** `key`: undefined when there is none of that name. */
export function signatureState(row: Signable, key: KeyRow | undefined, signature: string): SignatureCheck["state"] {
  if (key === undefined || key.revokedMs !== null) return "revoked";
  return isSigned(row, key, signature) ? "valid" : "invalid";
}

type Signable = Pick<VersionRow, "uid" | "digest">;

function isSigned({ uid, digest }: Signable, { publicKey }: KeyRow, signature: string): boolean {
  if (digest === null) return false;
  return verify(null, Buffer.from(signedText({ uid, digest })), publicKey, Buffer.from(signature, "base64"));
}
