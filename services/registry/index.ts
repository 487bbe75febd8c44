export { audit, type Audit, type AuditedModel } from "./audit.ts";
export { holdVersion, releaseVersion } from "./alias-store.ts";
export { evaluationRoutes } from "./evaluation-api.ts";
export { registryService } from "./grpc.ts";
export type { Change as RegistryChange } from "./core/event.ts";
export { openRegistry, type OpenRegistry } from "./registry.ts";
export { registryReferences } from "./references.ts";
export { registryGraph } from "./graph.ts";
