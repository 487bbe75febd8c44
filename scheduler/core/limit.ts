/** Wait before an instance runs again after a loss that the next attempt would likely meet too (full disk, unreachable store). */
export const LOSS_BACKOFF_MS = 2_000;
export const LOSS_BACKOFF_MS_MAX = 60_000;
/** After more losses than this an attempt that its node does not know waits too: what a node cannot take would else go round without a pause. */
export const LOSSES_AT_ONCE_MAX = 3;

/**
 * Work that may queue at a node beyond its capacity, so that short tasks need not wait for the round trip through commit
 * and NATS (about 10 ms). Bounded in time, so that nobody waits long behind it: too large, and a task sits in one
 * node's queue while another is idle.
 */
export const PREFILL_MS = 100;
/** However large the node: its journal and its messages have a size. */
export const PREFILL_ATTEMPTS_MAX = 1_024;
/** Only attempts this short on average are prefilled; for longer ones the round trip does not matter. */
export const PREFILL_RUN_MS_MAX = 100;

/**
 * Attempts placed in one round, so that a round and its commit stay short and others are heard in between; the next
 * round goes on from there. Fewer, and each pays for a look at the cluster.
 */
export const PLACED_PER_ROUND_MAX = 2_000;

/** Instances that a node is given together (see range.ts). Fewer save nothing; more, and one that fails takes many out of their range. */
export const RANGE_INSTANCES_MIN = 4;
export const RANGE_INSTANCES_MAX = 512;
/** Pieces that ranges are in at one node, through which each report has to look; with more, single ends take them apart for good. */
export const RANGES_AT_NODE_MAX = 32;

/** Nodes with room that are compared before the best is taken: more make a fuller cluster by little, and cost each class a look at each. */
export const COMPARED_NODES_MAX = 512;

/** A prefilled attempt that has not started after this long is taken back if another node has room for it. */
export const TAKE_BACK_MS = 1_000;

/** Keys of ended jobs kept in memory; older ones are found in the store. Covers submits that race with the end of a job. */
export const IDEMPOTENCY_KEYS_MAX = 10_000;

/** A service that ran for this long came up well: if it ends, the wait for its restart begins anew. As Kubernetes has it. */
export const SERVICE_STEADY_MS = 600_000;

/** From this many nodes on, losing more than half at once is taken for a fault of our own network: nothing is evicted. */
export const MASS_LOSS_NODES_MIN = 3;

/** A class whose head has waited so long gets nodes held for it: less, and capacity stands idle for those that would soon have found room anyway. */
export const HOLD_AFTER_MS = 60_000;
/** Classes with a hold at one time, of those whose end is known: each makes the cluster smaller for the others until then. */
export const HOLDS_MAX = 4;
/** Blocked classes for which one round looks for nodes to hold, the first in order: each look walks all nodes. */
export const HOLD_LOOKS_MAX = 8;
/** Between two rounds that look for nodes to hold: nothing against the minute that comes before, and with 10,000 nodes a look takes milliseconds. */
export const HOLD_LOOK_EVERY_MS = 5_000;
/**
 * The wait before nodes are held of which nobody knows when they will be free. A replay of Philly's load with one such hold
 * after a minute kept 3 to 6 % more of the GPUs idle than none.
 */
export const ENDLESS_HOLD_AFTER_MS = 6 * 3_600_000;
/**
 * The part of the cluster's node time that such holds may take: the next comes after so long that it is kept. More, and the
 * machines stand idle; less, and many classes that all wait for whole machines wait long for their turn.
 */
export const ENDLESS_HOLD_SHARE = 0.02;

/** Blocked classes for which one round looks for victims: each look walks the nodes that have some. */
export const PREEMPTING_CLASSES_MAX = 8;
