import type { MlflowRoute } from "./route.ts";

/** What clients since MLflow 3.10 ask before they choose how to send files. */
export function serverInfoRoutes(): MlflowRoute[] {
  return [
    {
      method: "GET",
      path: "/server-info",
      versions: ["3.0"],
      answer: async () => ({
        store_type: "SqlStore",
        workspaces_enabled: false,
        trace_archival_enabled: false,
        // A file goes in one stream, at full speed, unless MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD asks for parts: their addresses are
        // made from the request's, which whoever stands between may have changed.
        multipart_uploads_enabled: false,
        // Files are read from the proxy itself, whole or by range.
        multipart_downloads_enabled: false,
        presigned_upload_run_id_supported: false,
        presigned_upload_model_id_supported: false,
        features_enabled: [],
      }),
    },
  ];
}
