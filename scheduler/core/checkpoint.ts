import type { CheckpointRef } from "../../lib/core/dispatch.ts";
import { gangOf } from "./gang.ts";
import type { Checkpoint, Instance, State } from "./state.ts";

/** Rounds of one member that wait for the others': members of a gang are a step or two apart. */
const ROUNDS_MAX = 8;

/**
 * What an attempt has handed in. That of a gang's member which names its round counts once all members have handed in theirs of that round, in the
 * same attempt; so a gang always goes on from one and the same. Which rounds wait is forgotten with the leader: the next one counts.
 */
export function keepCheckpoint(state: State, instance: Instance, handedIn: CheckpointRef, atMs: number): void {
  const { round, ...ref } = handedIn;
  const checkpoint: Checkpoint = { ...ref, atMs };
  if (round === undefined || instance.task.spec.nodes === 1) {
    instance.checkpoint = checkpoint;
    state.out.instances.add(instance);
    return;
  }
  const own = (instance.rounds ??= new Map());
  own.set(round, checkpoint);
  if (own.size > ROUNDS_MAX) own.delete(Math.min(...own.keys()));
  const members = gangOf(instance);
  if (!members.every(({ rounds }) => rounds?.has(round))) return;
  for (const member of members) {
    member.checkpoint = member.rounds!.get(round)!;
    for (const known of member.rounds!.keys()) if (known <= round) member.rounds!.delete(known);
    state.out.instances.add(member);
  }
}
