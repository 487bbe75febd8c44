import type { NodeId } from "../../lib/core/ids.ts";
import { type Event, type NodeSettings, PLAIN_SETTINGS, type ProjectSettings } from "../../scheduler/core/index.ts";
import type { Agenda } from "./agenda.ts";
import type { Callers } from "./callers.ts";
import { Chance } from "./chance.ts";
import { trueEpochMs } from "./host.ts";
import type { SimMachine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import { PROJECTS } from "./traits/sharing.ts";

const NO_QUOTA = { cpuMillis: null, memoryBytes: null, gpuMillis: null };

export interface OperatorParts {
  readonly agenda: Agenda;
  readonly plan: Plan;
  readonly callers: Callers;
  readonly machines: readonly SimMachine[];
  readonly tell: (what: string, about: string) => void;
}

/** Those who look after the cluster: they take nodes out of service and back, and say what is whose. */
export class Operators {
  readonly #parts: OperatorParts;
  readonly #chance: Chance;
  readonly #sharing: Chance;
  #healed = false;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
    this.#chance = new Chance(parts.plan.seed, "operators");
    this.#sharing = new Chance(parts.plan.seed, "quotas");
  }

  begin(forMs: number): void {
    const { agenda, plan } = this.#parts;
    const chance = this.#chance;
    for (let i = chance.whole(0, 5); i > 0; i -= 1) agenda.after(chance.between(0, forMs * 0.8), () => this.#operate());
    if (!plan.traits.includes("sharing")) return;
    for (const project of PROJECTS) this.#share(project);
    const changes = this.#sharing.whole(0, 3);
    for (let i = 0; i < changes; i += 1)
      agenda.after(this.#sharing.between(0, forMs), () => this.#share(this.#sharing.pick(PROJECTS)));
  }

  /** Every node takes work again, and no quota keeps anybody from it. */
  heal(): void {
    const { machines, plan } = this.#parts;
    this.#healed = true;
    for (const { node } of machines) {
      this.#set(node, PLAIN_SETTINGS);
      this.#mode(node, "nodeUncordoned");
    }
    if (!plan.traits.includes("sharing")) return;
    for (const name of PROJECTS) this.#project({ name, weight: this.#sharing.whole(1, 3), quota: NO_QUOTA });
  }

  #operate(): void {
    const { agenda, machines } = this.#parts;
    const chance = this.#chance;
    const { node, capacity } = chance.pick(machines);
    const nowMs = trueEpochMs(agenda);
    switch (chance.whole(0, 6)) {
      case 0:
        return this.#mode(node, "nodeCordoned");
      case 1:
        return this.#mode(node, "nodeDrained");
      case 2:
        return this.#mode(node, "nodeUncordoned");
      case 3:
        return this.#set(node, { drainAtMs: nowMs + chance.scaled(500, 30_000) });
      case 4:
        return this.#set(node, { taints: chance.happens(0.5) ? ["away"] : [] });
      case 5: {
        const fromMs = nowMs + chance.between(-5_000, 20_000);
        return this.#set(node, {
          maintenance: [{ fromMs, toMs: fromMs + chance.scaled(1_000, 40_000), reason: "cables" }],
        });
      }
      default:
        return this.#set(node, {
          quarantined: Object.fromEntries(
            capacity.gpus.filter(() => chance.happens(0.5)).map(({ uuid }) => [uuid, "is not well"]),
          ),
        });
    }
  }

  #mode(node: NodeId, kind: "nodeCordoned" | "nodeUncordoned" | "nodeDrained"): void {
    const made = (): typeof kind => (this.#healed ? "nodeUncordoned" : kind);
    this.#ask(this.#chance, kind, node, () => ({ kind: made(), node, reason: "" }));
  }

  #set(node: NodeId, change: Partial<NodeSettings>): void {
    const made = (): typeof change => (this.#healed ? PLAIN_SETTINGS : change);
    const what = `settings ${JSON.stringify(change)}`;
    this.#ask(this.#chance, what, node, () => ({ kind: "nodeSettingsChanged", node, change: made() }));
  }

  /** Quotas that let the largest gang of the workload run, and some that let nothing run. */
  #share(name: string): void {
    const chance = this.#sharing;
    const cpuMillis = chance.pick([null, null, 6_000, 8_000, 0]);
    const gpuMillis = chance.pick([null, null, 4_000, 500]);
    this.#project({ name, weight: chance.whole(1, 3), quota: { ...NO_QUOTA, cpuMillis, gpuMillis } });
  }

  #project(settings: ProjectSettings): void {
    const made = (): ProjectSettings => (this.#healed ? { ...settings, quota: NO_QUOTA } : settings);
    const what = `weight ${settings.weight}, quota ${JSON.stringify(settings.quota)}`;
    this.#ask(this.#sharing, what, settings.name, () => ({ kind: "projectChanged", settings: made() }));
  }

  /** `make`: what was asked for before the healing, and comes after it, is as in a healed world. */
  #ask(chance: Chance, what: string, about: string, make: () => Event): void {
    const { callers, tell } = this.#parts;
    tell(what, about);
    callers.ask(chance, make, true, () => {});
  }
}
