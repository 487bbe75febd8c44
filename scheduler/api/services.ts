import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { weftServices } from "../../proto/channel.ts";
import {
  type CallContext,
  duplexStream,
  type ErrorLog,
  type ServedService,
  serverStream,
  type Sink,
  type StreamContext,
  tellingOutages,
  unary,
} from "../../lib/grpc.ts";
import type { AgentServiceHandlers } from "../../proto/gen/weft/v1/AgentService.ts";
import type { ClusterServiceHandlers } from "../../proto/gen/weft/v1/ClusterService.ts";
import type { JobServiceHandlers } from "../../proto/gen/weft/v1/JobService.ts";
import type { SessionServiceHandlers } from "../../proto/gen/weft/v1/SessionService.ts";
import { type AgentApi, onSession } from "./agent-api.ts";
import type { NotificationServiceHandlers } from "../../proto/gen/weft/v1/NotificationService.ts";
import type { TriggerServiceHandlers } from "../../proto/gen/weft/v1/TriggerService.ts";
import type { ClusterApi } from "./cluster-api.ts";
import type { OperatorApi } from "./operator-api.ts";
import type { Forwarder } from "./forward.ts";
import type { JobApi } from "./job-api.ts";
import type { JobFinder } from "./job-finder.ts";
import type { NotificationApi } from "./notification-api.ts";
import type { Role } from "./parts.ts";
import type { Reign } from "./reign.ts";
import { type SessionApi } from "./session-api.ts";
import { readSharing } from "../../proto/submit-bytes.ts";
import type { TriggerApi } from "./trigger-api.ts";
import type { TriggerApply } from "./trigger-apply.ts";
import { watchJob } from "./watch-job.ts";

export interface ServiceParts {
  readonly role: () => Role;
  /** Undefined: this server does not lead. */
  readonly reign: () => Reign | undefined;
  readonly forwarder: Forwarder;
  readonly jobs: JobApi;
  readonly cluster: ClusterApi;
  readonly operators: OperatorApi;
  readonly agents: AgentApi;
  readonly sessions: SessionApi;
  readonly triggers: TriggerApi;
  readonly apply: TriggerApply;
  readonly notifications: NotificationApi;
  readonly finder: JobFinder;
  readonly log: ErrorLog;
}

/** The services of weft.v1. What needs the leader's memory is answered here when we lead, else passed on. */
export function servicesOf(parts: ServiceParts): ServedService[] {
  const services = weftServices();
  const served = (
    name: string,
    service: { service: object },
    handlers: UntypedServiceImplementation,
  ): ServedService => ({
    name: `weft.v1.${name}`,
    definition: service.service as ServedService["definition"],
    handlers,
  });
  return [
    served("JobService", { service: sharingSubmits(services.JobService.service) }, jobHandlers(parts)),
    served("ClusterService", services.ClusterService, clusterHandlers(parts)),
    served("AgentService", services.AgentService, agentHandlers(parts)),
    served("SessionService", services.SessionService, sessionHandlers(parts)),
    served("TriggerService", services.TriggerService, triggerHandlers(parts)),
    served("NotificationService", services.NotificationService, notificationHandlers(parts)),
  ];
}

/** Large pipelines are read in a fraction of the time. */
function sharingSubmits(service: ReturnType<typeof weftServices>["JobService"]["service"]): object {
  const { Submit } = service;
  return { ...service, Submit: { ...Submit, requestDeserialize: readSharing(Submit.requestDeserialize) } };
}

function jobHandlers(parts: ServiceParts): JobServiceHandlers {
  const { jobs, finder, log } = parts;
  const lead = leaderCalls(parts);
  return {
    Submit: lead.unary((request, reign) => jobs.submit(request, reign)),
    ReadPipeline: unary(log, async (request) => jobs.readPipeline(request)),
    Get: unary(
      log,
      tellingOutages((request) => jobs.get(request)),
    ),
    List: unary(
      log,
      tellingOutages((request) => jobs.list(request)),
    ),
    Watch: lead.serverStream((request, sink, context, reign) => watchJob(finder, request, sink, context, reign)),
    Rerun: lead.unary((request, reign) => jobs.rerun(request, reign)),
    Approve: lead.unary((request, reign) => jobs.approve(request, reign)),
    Cancel: lead.unary((request, reign) => jobs.cancel(request, reign)),
    Logs: serverStream(
      log,
      tellingOutages((request, sink, context) => jobs.logs(request, sink, context)),
    ),
    Lineage: serverStream(
      log,
      tellingOutages((request, sink) => jobs.lineage(request, sink)),
    ),
  };
}

function clusterHandlers(parts: ServiceParts): ClusterServiceHandlers {
  const { cluster, operators, log, role } = parts;
  const lead = leaderCalls(parts);
  return {
    Info: unary(log, () => cluster.info(role())),
    Nodes: lead.unary((_request, reign) => cluster.nodes(reign)),
    Queue: lead.unary((request, reign) => cluster.queue(request, reign)),
    Explain: lead.unary((request, reign) => cluster.explain(request, reign)),
    Cordon: lead.unary((request, reign) => cluster.cordon(request, reign)),
    Drain: lead.unary((request, reign) => cluster.drain(request, reign)),
    Uncordon: lead.unary((request, reign) => cluster.uncordon(request, reign)),
    Configure: lead.unary((request, reign) => operators.configure(request, reign)),
    Projects: lead.unary((_request, reign) => operators.projects(reign)),
    SetProject: lead.unary((request, reign) => operators.setProject(request, reign)),
    Demand: lead.unary((_request, reign) => operators.demand(reign)),
  };
}

function triggerHandlers(parts: ServiceParts): TriggerServiceHandlers {
  const { triggers, apply, log } = parts;
  const lead = leaderCalls(parts);
  return {
    Apply: lead.unary((request, reign) => apply.apply(request, reign)),
    List: unary(
      log,
      tellingOutages((request) => triggers.list(request)),
    ),
    Get: unary(
      log,
      tellingOutages((request) => triggers.get(request)),
    ),
    Pause: lead.unary((request, reign) => triggers.pause(request, reign)),
    Resume: lead.unary((request, reign) => triggers.resume(request, reign)),
    Fire: lead.unary((request, reign) => triggers.fire(request, reign)),
    Remove: lead.unary((request, reign) => triggers.remove(request, reign)),
    RotateSecret: lead.unary((request, reign) => triggers.rotateSecret(request, reign)),
  };
}

function notificationHandlers(parts: ServiceParts): NotificationServiceHandlers {
  const { notifications, log } = parts;
  const lead = leaderCalls(parts);
  return {
    List: unary(
      log,
      tellingOutages((request) => notifications.list(request)),
    ),
    Retry: lead.unary((request) => notifications.retry(request)),
  };
}

function agentHandlers(parts: ServiceParts): AgentServiceHandlers {
  const { agents } = parts;
  const lead = leaderCalls(parts);
  return {
    Join: lead.unary((request, reign) => agents.join(request, reign)),
    Heartbeat: lead.duplexStream((requests, sink, context, reign) => agents.heartbeat(requests, sink, context, reign)),
    Session: lead.duplexStream(onSession),
  };
}

function sessionHandlers(parts: ServiceParts): SessionServiceHandlers {
  const { sessions } = parts;
  const lead = leaderCalls(parts);
  return {
    Exec: lead.duplexStream((requests, sink, context, reign) => sessions.exec(requests, sink, context, reign)),
    Forward: lead.duplexStream((requests, sink, context, reign) => sessions.forward(requests, sink, context, reign)),
  };
}

/** Handlers that run here while this server leads, and are passed on to the leader while it does not. */
function leaderCalls({ log, role, reign, forwarder }: ServiceParts) {
  const leader = (): string | null => {
    const now = role();
    return now.kind === "follower" ? now.address : null;
  };
  return {
    unary: <Request extends object, Response>(
      local: (request: Request, reign: Reign) => Promise<Response> | Response,
    ) =>
      unary<Request, Response>(
        log,
        tellingOutages((request, context) => {
          const here = reign();
          return here ? local(request, here) : (forwarder.unary(context, request, leader()) as Promise<Response>);
        }),
      ),
    serverStream: <Request extends object, Response>(
      local: (request: Request, sink: Sink<Response>, context: CallContext, reign: Reign) => Promise<void>,
    ) =>
      serverStream<Request, Response>(
        log,
        tellingOutages((request, sink, context) => {
          const here = reign();
          if (here) return local(request, sink, context, here);
          return forwarder.serverStream(context, request, sink as Sink<unknown>, leader());
        }),
      ),
    duplexStream: <Request extends object, Response>(
      local: (
        requests: AsyncIterable<Request>,
        sink: Sink<Response>,
        context: StreamContext,
        reign: Reign,
      ) => Promise<void>,
    ) =>
      duplexStream<Request, Response>(
        log,
        tellingOutages((requests, sink, context) => {
          const here = reign();
          if (here) return local(requests, sink, context, here);
          return forwarder.duplexStream(context, requests, sink as Sink<unknown>, leader());
        }),
      ),
  };
}
