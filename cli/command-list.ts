import type { Command } from "commander";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
  readonly hidden?: boolean;
}

/** All commands, in the order that help shows them. Each is loaded only when it is used. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "run a whole cluster on this machine: Postgres, NATS, server and one agent",
    load: async () => (await import("./commands/up.ts")).upCommand(),
  },
  {
    name: "server",
    summary: "run the server: scheduler and services",
    load: async () => (await import("./commands/server.ts")).serverCommand(),
  },
  {
    name: "agent",
    summary: "run the agent: this machine joins the cluster and runs tasks",
    load: async () => (await import("./commands/agent.ts")).agentCommand(),
  },
  {
    name: "submit",
    summary: "run a pipeline",
    load: async () => (await import("./commands/submit.ts")).submitCommand(),
  },
  {
    name: "jobs",
    summary: "list jobs, newest first",
    load: async () => (await import("./commands/jobs.ts")).jobsCommand(),
  },
  {
    name: "job",
    summary: "show a job and its tasks",
    load: async () => (await import("./commands/job.ts")).jobCommand(),
  },
  {
    name: "logs",
    summary: "show what tasks write",
    load: async () => (await import("./commands/logs.ts")).logsCommand(),
  },
  {
    name: "exec",
    summary: "run a command, or open a terminal, in a running task",
    load: async () => (await import("./commands/exec.ts")).execCommand(),
  },
  {
    name: "tensorboard",
    summary: "show tracked runs in TensorBoard",
    load: async () => (await import("./commands/tensorboard.ts")).tensorboardCommand(),
  },
  {
    name: "forward",
    summary: "bring a port of a running task to this machine",
    load: async () => (await import("./commands/forward.ts")).forwardCommand(),
  },
  {
    name: "cancel",
    summary: "stop a job",
    load: async () => (await import("./commands/cancel.ts")).cancelCommand(),
  },
  {
    name: "retry",
    summary: "run what failed of a job again",
    load: async () => (await import("./commands/rerun.ts")).retryCommand(),
  },
  {
    name: "rerun",
    summary: "run a whole job again",
    load: async () => (await import("./commands/rerun.ts")).rerunCommand(),
  },
  {
    name: "backfill",
    summary: "run a pipeline once for each date of a range",
    load: async () => (await import("./commands/backfill.ts")).backfillCommand(),
  },
  {
    name: "approve",
    summary: "give a task the approval that it waits for",
    load: async () => (await import("./commands/approve.ts")).approveCommand(),
  },
  {
    name: "get",
    summary: "download an output of a task",
    load: async () => (await import("./commands/get.ts")).getCommand(),
  },
  {
    name: "lineage",
    summary: "show what came from what",
    load: async () => (await import("./commands/lineage.ts")).lineageCommand(),
  },
  {
    name: "trace",
    summary: "show all that something came from",
    load: async () => (await import("./commands/trace.ts")).traceCommand("trace"),
  },
  {
    name: "impact",
    summary: "show all that came of something",
    load: async () => (await import("./commands/trace.ts")).traceCommand("impact"),
  },
  {
    name: "diff",
    summary: "show in what two runs or jobs differ",
    load: async () => (await import("./commands/diff.ts")).diffCommand(),
  },
  {
    name: "compare",
    summary: "compare up to 50 runs by metrics and parameters",
    load: async () => (await import("./commands/compare.ts")).compareCommand(),
  },
  {
    name: "audit",
    summary: "check that all that each model rests on is there",
    load: async () => (await import("./commands/audit.ts")).auditCommand(),
  },
  {
    name: "data",
    summary: "named and versioned data sets: add, list, log, diff, checkout, tag",
    load: async () => (await import("./commands/data.ts")).dataCommand(),
  },
  {
    name: "gc",
    summary: "remove artifacts that nothing refers to",
    load: async () => (await import("./commands/gc.ts")).gcCommand(),
  },
  {
    name: "models",
    summary: "list registered models, show one; register, gates, keys, sign, verify",
    load: async () => (await import("./commands/models.ts")).modelsCommand(),
  },
  {
    name: "promote",
    summary: "point an alias of a model at a version, if its gates let it pass",
    load: async () => (await import("./commands/promote.ts")).promoteCommand(),
  },
  {
    name: "rollback",
    summary: "point an alias of a model at the version before",
    load: async () => (await import("./commands/promote.ts")).rollbackCommand(),
  },
  {
    name: "evaluate",
    summary: "record what a version of a model was measured to be worth",
    load: async () => (await import("./commands/evaluate.ts")).evaluateCommand(),
  },
  {
    name: "explain",
    summary: "show why a task is in the state it is in",
    load: async () => (await import("./commands/explain.ts")).explainCommand(),
  },
  {
    name: "queue",
    summary: "show what waits for machines, and why",
    load: async () => (await import("./commands/queue.ts")).queueCommand(),
  },
  {
    name: "top",
    summary: "watch machines, and what runs and waits on them",
    load: async () => (await import("./commands/top.ts")).topCommand(),
  },
  {
    name: "nodes",
    summary: "list the machines of the cluster",
    load: async () => (await import("./commands/nodes.ts")).nodesCommand(),
  },
  {
    name: "node",
    summary: "show one machine",
    load: async () => (await import("./commands/node.ts")).nodeCommand(),
  },
  {
    name: "cordon",
    summary: "give a machine no new work",
    load: async () => (await import("./commands/cordon.ts")).cordonCommand("cordon"),
  },
  {
    name: "drain",
    summary: "cordon a machine, and run its work elsewhere",
    load: async () => (await import("./commands/cordon.ts")).cordonCommand("drain"),
  },
  {
    name: "uncordon",
    summary: "give a machine work again",
    load: async () => (await import("./commands/cordon.ts")).cordonCommand("uncordon"),
  },
  {
    name: "configure",
    summary: "taints, pool, maintenance and quarantined devices of a machine",
    load: async () => (await import("./commands/configure.ts")).configureCommand(),
  },
  {
    name: "projects",
    summary: "list projects with their shares and quotas",
    load: async () => (await import("./commands/projects.ts")).projectsCommand(),
  },
  {
    name: "project",
    summary: "set the weight and the quota of a project",
    load: async () => (await import("./commands/projects.ts")).projectCommand(),
  },
  {
    name: "demand",
    summary: "show how many machines what waits would fill",
    load: async () => (await import("./commands/demand.ts")).demandCommand(),
  },
  {
    name: "trigger",
    summary: "register what starts a pipeline by itself; list, pause, resume, fire, remove",
    load: async () => (await import("./commands/trigger.ts")).triggerCommand(),
  },
  {
    name: "notifications",
    summary: "show whom was told of jobs, and what could not be sent",
    load: async () => (await import("./commands/notifications.ts")).notificationsCommand(),
  },
  {
    name: "completion",
    summary: "print the completion script for a shell",
    load: async () => (await import("./commands/completion.ts")).completionCommand(),
  },
  {
    name: "words",
    summary: "print what can stand next (used by completion)",
    load: async () => (await import("./commands/words.ts")).wordsCommand(),
    hidden: true,
  },
];
