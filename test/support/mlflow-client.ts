import { clientPython, runClient } from "./python-client.ts";

/** What a client's environment holds: MLflow without its server, and what a scikit-learn model needs. */
export const MLFLOW_CLIENTS = {
  "2.22.5": ["mlflow-skinny==2.22.5", "scikit-learn==1.6.1", "pandas==2.3.3", "numpy==2.4.6", "setuptools==80.9.0"],
  "3.17.2": ["mlflow-skinny==3.17.2", "scikit-learn==1.9.1", "pandas==3.1.1", "numpy==2.4.6", "skops==0.16.0"],
} as const;

export type MlflowVersion = keyof typeof MLFLOW_CLIENTS;

/** Whole clients with frameworks beside: 8 GB each, mostly for PyTorch, which no test of every day is worth. */
const FRAMEWORKS = [
  "xgboost-cpu==3.2.0",
  "lightgbm==4.7.0",
  "torch==2.15.0",
  "pytorch-lightning==2.6.6",
  "psutil==7.2.2",
];
const WHOLE_CLIENTS: Readonly<Record<MlflowVersion, readonly string[]>> = {
  "2.22.5": ["mlflow==2.22.5", "scikit-learn==1.6.1", "pandas==2.3.3", "setuptools==80.9.0", ...FRAMEWORKS],
  "3.17.2": ["mlflow==3.17.2", "scikit-learn==1.9.1", "pandas==3.1.1", ...FRAMEWORKS],
};

/**
 * Runs a script of tests with that client against the server at `url`; gives what it said on stderr, while `onSaid` hears stdout. `undefined`: there is no such client to be
 * had. Rejects with what it said when a test failed.
 */
export async function runMlflowClient(
  version: MlflowVersion,
  script: string,
  url: string,
  more: {
    readonly env?: Readonly<Record<string, string>>;
    readonly onSaid?: (text: string) => void;
    readonly whole?: boolean;
  } = {},
): Promise<string | undefined> {
  const python = more.whole
    ? await clientPython(`mlflow-whole-${version}`, WHOLE_CLIENTS[version])
    : await clientPython(`mlflow-${version}`, MLFLOW_CLIENTS[version]);
  if (python === undefined) return undefined;
  return runClient(
    python,
    script,
    [],
    {
      MLFLOW_TRACKING_URI: url,
      MLFLOW_DISABLE_TELEMETRY: "true",
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0",
      GIT_PYTHON_REFRESH: "quiet",
      ...more.env,
    },
    more.onSaid,
  );
}
