import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { parse } from "yaml";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = parse(readFileSync("docker-compose.yml", "utf8"), { merge: true }) as Compose;
const services = Object.entries(compose.services);

test("production has Postgres, NATS, two servers and agents", () => {
  expect(Object.keys(compose.services).sort()).toEqual([
    "agent",
    "nats",
    "nats-folder",
    "postgres",
    "server-1",
    "server-2",
  ]);
});

test("every image is pinned to a version", () => {
  const images = [
    ...services.map(([, { image }]) => image),
    ...(readFileSync("Dockerfile", "utf8").match(/^FROM (\S+)/gm) ?? []),
  ];
  for (const image of images) expect(image).toMatch(/:\d+\.\d+/);
});

test("whatever others wait for says whether it is well", () => {
  const awaited = new Set(services.flatMap(([, service]) => Object.keys(service.depends_on ?? {})));
  for (const name of awaited) {
    const { healthcheck } = compose.services[name]!;
    if (name !== "nats-folder") expect(healthcheck?.test, name).toBeDefined();
  }
});

test("both servers share one artifact store, and every volume is declared", () => {
  const named = services.flatMap(([, { volumes = [] }]) => volumes).map((volume) => volume.split(":")[0]!);
  for (const volume of named) {
    if (volume.startsWith("./")) expect(existsSync(volume), volume).toBe(true);
    else if (!volume.startsWith("/")) expect(Object.keys(compose.volumes)).toContain(volume);
  }
  expect(compose.services["server-1"]!.volumes).toEqual(compose.services["server-2"]!.volumes);
});

test("the flags of the commands are those that the program has", () => {
  for (const [name, { command = [] }] of services) {
    const [program, ...flags] = command;
    if (program !== "server" && program !== "agent") continue;
    const help = execFileSync(process.execPath, ["dist/cli/main.js", program, "--help"], { encoding: "utf8" });
    for (const flag of flags) expect(help, `${name}: ${flag}`).toContain(flag.split("=")[0]!);
  }
});

test("NATS takes its configuration, and writes every message to disk before it acknowledges", () => {
  expect(readFileSync("deploy/nats.conf", "utf8")).toMatch(/^\s*sync_interval: always$/m);
  const env = { NATS_PASSWORD: "n0123" };
  execFileSync(inject("natsBinary"), ["-t", "-c", "deploy/nats.conf"], { env, stdio: "ignore" });
});
