/** A server that the cluster stands on, found or started. */
export interface ServerPart {
  readonly url: string;
  /** Null: it is not ours, and we neither watch nor stop it. */
  readonly own: OwnServer | null;
}

export interface OwnServer {
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

/** Where a part is looked for and kept. */
export interface Place {
  /** WEFT_HOME, absolute; the folder exists. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}
