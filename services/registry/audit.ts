import type { Pool } from "pg";
import type { ArtifactStore } from "../artifacts/index.ts";
import {
  CodeReader,
  elsewherePin,
  environmentPins,
  type FindEnvironments,
  Holdings,
  type LockFacts,
  type Missing,
  type Pin,
  storedPin,
} from "../lineage/index.ts";
import { type AuditedVersion, auditedVersions } from "./audit-store.ts";
import { type KeyRow, listKeys, type SignatureRow, signaturesOf } from "./key-store.ts";
import { signatureState } from "./signing.ts";

export interface AuditedModel {
  readonly name: string;
  readonly version: number;
  readonly pins: readonly Pin[];
}

export interface Audit {
  readonly models: readonly AuditedModel[];
  /** Pins that are missing, over all models. */
  readonly missing: number;
}

/** Versions in one statement: what they ran in is in memory together. */
const PAGE = 500;

export interface AuditParts {
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
  readonly findEnvironments: FindEnvironments;
}

/**
 * Whether the bytes of all that each registered version rests on are in the store, the files of folders among them, and whether its signatures
 * hold. Four statements for each 500 versions.
 */
export async function audit(parts: AuditParts): Promise<Audit> {
  const models: AuditedModel[] = [];
  const keys = new Map((await listKeys(parts.pool)).map((key) => [key.name, key]));
  const holdings = new Holdings(parts.artifacts);
  let after = { modelId: 0, version: 0 };
  for (;;) {
    const versions = await auditedVersions(parts.pool, after, PAGE);
    models.push(...(await auditPage(parts, versions, holdings, keys)));
    if (versions.length < PAGE) break;
    after = versions.at(-1)!;
  }
  const missing = models.flatMap(({ pins }) => pins).filter(({ state }) => state === "missing").length;
  return { models, missing };
}

async function auditPage(
  { pool, artifacts, findEnvironments }: AuditParts,
  versions: readonly AuditedVersion[],
  holdings: Holdings,
  keys: ReadonlyMap<string, KeyRow>,
): Promise<AuditedModel[]> {
  const ran = versions.flatMap(({ job, task }) => (job === null || task === null ? [] : [{ job, task }]));
  const [environments, signatures] = await Promise.all([
    findEnvironments(ran),
    signaturesOf(
      pool,
      versions.map(({ uid }) => uid),
    ),
  ]);
  const code = new CodeReader(artifacts);
  const locks = new Map<string, LockFacts>();
  for (const version of versions) {
    const environment = environments.get(`${version.job}.${version.task}`);
    if (version.code === null || environment === undefined || !("lock" in environment)) continue;
    if ((await code.files(version.code)) === undefined) continue;
    locks.set(version.uid, await code.lock(version.code, environment.lock));
  }
  await holdings.look(versions.flatMap((version) => digestsOf(version, locks.get(version.uid))));
  const missing: Missing = (digest) => {
    const found = holdings.of(digest);
    return found.kind === "held" ? undefined : found;
  };
  return versions.map((version) => {
    const environment = environments.get(`${version.job}.${version.task}`);
    return {
      name: version.name,
      version: version.version,
      pins: [
        ...storedPins(version, missing),
        ...(environment === undefined
          ? [unrecorded("environment")]
          : environmentPins("", environment, locks.get(version.uid), missing)),
        ...(signatures.get(version.uid) ?? []).map((one) => signaturePin(version, one, keys)),
      ],
    };
  });
}

function digestsOf({ digest, code, data }: AuditedVersion, lock: LockFacts | undefined) {
  const own = [digest, code].flatMap((one) => (one === null ? [] : [one]));
  return [
    ...own,
    ...data.flatMap((one) => (one.elsewhere === null ? [one.digest] : [])),
    ...(lock?.files ?? []).map((one) => one.digest),
  ];
}

function storedPins({ digest, attempt, code, data }: AuditedVersion, missing: Missing): Pin[] {
  const whole = (kind: "model" | "code", id: AuditedVersion["digest"]): Pin =>
    id === null ? unrecorded(kind) : storedPin({ kind, task: "", name: "" }, id, missing);
  return [
    whole("model", digest),
    whole("code", code),
    ...(attempt === null ? [unrecorded("data")] : []),
    ...data.map(({ name, digest: id, elsewhere }) => {
      const pin = { kind: "data", task: "", name } as const;
      return elsewhere === null ? storedPin(pin, id, missing) : elsewherePin(pin, id, elsewhere);
    }),
  ];
}

function unrecorded(kind: Pin["kind"]): Pin {
  return { kind, task: "", name: "", id: null, state: "unknown", says: `${kind}: nothing is recorded` };
}

function signaturePin(version: AuditedVersion, one: SignatureRow, keys: ReadonlyMap<string, KeyRow>): Pin {
  const state = signatureState(version, keys.get(one.key), one.signature);
  const pin = { kind: "signature", task: "", name: one.key, id: one.key } as const;
  if (state === "valid") return { ...pin, state: "held", says: "" };
  const why = state === "revoked" ? "does not count: the key was revoked" : "does not fit the version";
  return { ...pin, state: "missing", says: `the signature with ${one.key} ${why}` };
}
