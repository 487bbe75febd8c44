export { receiveRoutes } from "./receive-api.ts";
export { openLineageSource } from "./source.ts";
export { keepEvents } from "./event-store.ts";
export { PRODUCER } from "./core/own.ts";
export { decodeRunUuid, runUuid } from "./run-id.ts";
export { ownEvents } from "./own-events.ts";
export type { OwnJob, OwnPipeline, OwnTask, OwnWork, RunningAttempt } from "./own-work.ts";
export { type Change as LineageChange, Emitter, type EmitterSettings } from "./emitter.ts";
export { marquezRoutes } from "./marquez/api.ts";
