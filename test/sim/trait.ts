import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import type { Chance } from "./chance.ts";
import { withAdmission } from "./traits/admission.ts";
import { withAlike } from "./traits/alike.ts";
import { withApprovals } from "./traits/approval.ts";
import { withCache } from "./traits/cache.ts";
import { withDevices } from "./traits/device.ts";
import { withFlow } from "./traits/flow.ts";
import { withGangs } from "./traits/gang.ts";
import { withLargeMap } from "./traits/large.ts";
import { withServices } from "./traits/service.ts";
import { withSharing } from "./traits/sharing.ts";

/** What the jobs of a world may ask for beside plain tasks; each draws from a stream of its own. In the order in which they are laid over a pipeline. */
export const TRAITS = [
  "large maps",
  "devices",
  "sharing",
  "flow",
  "gangs",
  "cache",
  "approvals",
  "services",
  "admission",
  "alike",
] as const;
export type Trait = (typeof TRAITS)[number];

const LAYS: Readonly<Record<Trait, (spec: PipelineSpec, chance: Chance) => PipelineSpec>> = {
  "large maps": withLargeMap,
  devices: withDevices,
  sharing: withSharing,
  flow: withFlow,
  gangs: withGangs,
  cache: withCache,
  approvals: withApprovals,
  services: withServices,
  admission: withAdmission,
  alike: withAlike,
};

/** The pipeline with what the traits make of it. */
export function lay(plain: PipelineSpec, traits: readonly Trait[], chanceOf: (trait: Trait) => Chance): PipelineSpec {
  return traits.reduce((spec, trait) => LAYS[trait](spec, chanceOf(trait)), plain);
}
