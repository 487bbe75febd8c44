import assert from "node:assert";
import { isModelFor, type Machine, type Shape, type TraceJob } from "./workload.ts";

const WHOLE = 1000;

/** What a machine has free. Only Books writes it. */
export interface Host {
  readonly index: number;
  readonly machine: Machine;
  cpuMillis: number;
  memoryBytes: number;
  /** Thousandths that are free of each device. */
  readonly devices: Int32Array;
  /** Their sum. */
  gpuMillis: number;
  readonly runs: Set<Run>;
  /** Rises with each change. */
  version: number;
}

/** Where one member runs. */
export interface Place {
  readonly host: Host;
  /** Indices of its devices; a share is on one. */
  readonly devices: readonly number[];
}

/** A job on its way through the replay. */
export interface Run {
  readonly job: TraceJob;
  /** Order of arrival. */
  readonly index: number;
  /** Empty: it waits, or has ended. */
  places: readonly Place[];
  /** Of the present attempt. */
  startedMs: number;
  /** What is left to run, at the start of the present attempt. */
  leftMs: number;
  endedMs: number | null;
  preemptions: number;
}

/**
 * Who holds what: the referee's own books, kept apart from those of any policy. Giving what is not there is a fault of the
 * policy and ends the replay.
 */
export class Books {
  readonly hosts: readonly Host[];
  readonly gpuMillis: number;
  /** Called after a host has changed. */
  onChange: (host: Host) => void = () => {};

  constructor(machines: readonly Machine[]) {
    this.hosts = machines.map((machine, index) => ({
      index,
      machine,
      cpuMillis: machine.cpuMillis,
      memoryBytes: machine.memoryBytes,
      devices: new Int32Array(machine.gpus).fill(WHOLE),
      gpuMillis: machine.gpus * WHOLE,
      runs: new Set(),
      version: 0,
    }));
    this.gpuMillis = this.hosts.reduce((sum, host) => sum + host.gpuMillis, 0);
  }

  take(run: Run, places: readonly Place[]): void {
    const { shape, name } = run.job;
    assert(run.places.length === 0, `${name} is started while it runs`);
    assert(
      places.length === shape.members,
      `${name} has ${shape.members} members and was given ${places.length} machines`,
    );
    assert(new Set(places.map(({ host }) => host)).size === places.length, `two members of ${name} are on one machine`);
    for (const place of places) this.#move(run, place, -1);
    run.places = places;
  }

  give(run: Run): void {
    for (const place of run.places) this.#move(run, place, 1);
    run.places = [];
  }

  #move(run: Run, { host, devices }: Place, sign: 1 | -1): void {
    const { shape, name } = run.job;
    assert(isModelFor(host.machine, shape), `${name} may not run on ${host.machine.model}`);
    host.cpuMillis += sign * shape.cpuMillis;
    host.memoryBytes += sign * shape.memoryBytes;
    host.gpuMillis += sign * shape.gpuMillis;
    assert(devices.length === Math.ceil(shape.gpuMillis / WHOLE), `${name} was given ${devices.length} devices`);
    const share = Math.min(shape.gpuMillis, WHOLE);
    for (const device of devices) {
      host.devices[device]! += sign * share;
      assert(host.devices[device]! >= 0 && host.devices[device]! <= WHOLE, `device ${device} of ${host.machine.name}`);
    }
    assert(host.cpuMillis >= 0 && host.memoryBytes >= 0, `${host.machine.name} is over its capacity with ${name}`);
    if (sign < 0) host.runs.add(run);
    else host.runs.delete(run);
    host.version += 1;
    this.onChange(host);
  }
}

/** Devices of the host for one member: for a share the fullest that has room; undefined: the host has no room. */
export function fit(host: Host, shape: Shape): readonly number[] | undefined {
  if (shape.cpuMillis > host.cpuMillis || shape.memoryBytes > host.memoryBytes) return undefined;
  if (shape.gpuMillis === 0) return NO_DEVICES;
  if (shape.gpuMillis > host.gpuMillis || !isModelFor(host.machine, shape)) return undefined;
  return shape.gpuMillis < WHOLE ? fullest(host, shape.gpuMillis) : wholes(host, shape.gpuMillis / WHOLE);
}

const NO_DEVICES: readonly number[] = Object.freeze([]);

function fullest(host: Host, share: number): readonly number[] | undefined {
  let best = -1;
  for (let i = 0; i < host.devices.length; i += 1) {
    const free = host.devices[i]!;
    if (free >= share && (best < 0 || free < host.devices[best]!)) best = i;
  }
  return best < 0 ? undefined : [best];
}

function wholes(host: Host, count: number): readonly number[] | undefined {
  const found: number[] = [];
  for (let i = 0; i < host.devices.length && found.length < count; i += 1) if (host.devices[i] === WHOLE) found.push(i);
  return found.length < count ? undefined : found;
}
