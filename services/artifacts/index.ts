export { artifactRoutes } from "./api.ts";
export { openArtifactStore } from "./store.ts";
