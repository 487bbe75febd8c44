import type { PolicyKind } from "../policy.ts";
import { QueuePolicy } from "./queue.ts";
import { bestFit, dotProduct, firstFit, fragmentationGradient, type Rank } from "./rank.ts";
import { Tiresias } from "./tiresias.ts";
import { Weft } from "./weft.ts";

const byArrival = (): number => 0;

function inOrder(name: string, about: string, rank: Rank): PolicyKind {
  return { name, about, make: (desk) => new QueuePolicy(desk, { rank, order: byArrival }) };
}

/** In the order of tables; the first is the default. */
export const POLICIES: readonly PolicyKind[] = [
  {
    name: "weft",
    about: "Weft's scheduler as it is, nothing known but what is asked for",
    make: (desk) => new Weft(desk, {}),
  },
  {
    name: "weft-limits",
    about: "Weft, every job with a time limit (its run time, rounded up to a power of two of minutes)",
    make: (desk) => new Weft(desk, { limits: true }),
  },
  {
    name: "weft-preempt",
    about: "Weft, every job preemptible: projects short of their share take it back",
    make: (desk) => new Weft(desk, { preemptible: true }),
  },
  {
    name: "fifo-first-fit",
    about: "strictly first come first served, on the first machine with room",
    make: (desk) => new QueuePolicy(desk, { rank: firstFit, order: byArrival, strict: true }),
  },
  inOrder(
    "first-fit",
    "first come first served, passing over what finds no room, on the first machine with room",
    firstFit,
  ),
  inOrder("best-fit", "as first-fit, on the machine with the least left over", bestFit),
  inOrder(
    "dot-product",
    "as first-fit, on the machine best aligned with the request (Tetris, SIGCOMM 2014)",
    dotProduct,
  ),
  {
    name: "fgd",
    about: "as first-fit, where expected fragments grow least (FGD, USENIX ATC 2023)",
    make: (desk, workload) => new QueuePolicy(desk, { rank: fragmentationGradient(workload), order: byArrival }),
  },
  {
    name: "sjf",
    about: "shortest job first, its run time known exactly; passing over, best fit",
    make: (desk) => new QueuePolicy(desk, { rank: bestFit, order: ({ leftMs }) => leftMs }),
  },
  {
    name: "max-min",
    about: "the project that holds the least GPU first, then by arrival; passing over, best fit",
    make: (desk) => new QueuePolicy(desk, { rank: bestFit, order: byArrival, fair: true }),
  },
  {
    name: "tiresias",
    about: "least attained service in two queues, preempting (Tiresias, NSDI 2019)",
    make: (desk) => new Tiresias(desk),
  },
];
