import { expect, test } from "vitest";
import type { Assignment } from "../../lib/core/dispatch.ts";
import type { Digest, JobId } from "../../lib/core/ids.ts";
import { variables } from "./variables.ts";

const places = {
  workspace: "/a/workspace",
  tmp: "/a/tmp",
  result: "/a/result.json",
  checkpoint: "/a/checkpoint",
  tensorboard: "/a/tensorboard",
};
const digest = `sha256:${"0".repeat(64)}` as Digest;

function assignment(parts: Partial<Assignment> = {}): Assignment {
  return {
    ref: { job: "j" as JobId, task: "train", index: 2, attempt: 3 },
    pipeline: "p",
    run: { kind: "command", argv: ["true"] },
    env: {},
    code: null,
    files: [],
    inputs: [],
    outputs: [],
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    gpuUuids: [],
    timeoutMs: 0,
    gpuMemoryBytes: 0,
    gang: null,
    checkpoint: null,
    stopGraceMs: 0,
    priority: 0,
    environment: { kind: "none" },
    ...parts,
  };
}

test("the task's own variables go over the machine's, and none over what Weft alone knows", () => {
  const env = { PATH: "/mine", WEFT_ATTEMPT_KEY: "forged", WEFT_RESULT: "/forged", CUDA_VISIBLE_DEVICES: "0,1" };
  expect(variables(assignment({ env }), { PATH: "/bin", HOME: "/root" }, places)).toMatchObject({
    PATH: "/mine",
    HOME: "/root",
    WEFT_ATTEMPT_KEY: "j.train.2.3",
    WEFT_RESULT: "/a/result.json",
    CUDA_VISIBLE_DEVICES: "",
  });
});

test("an input of a mapped producer is a folder, another one its file", () => {
  const input = { digest, kind: "file", bytes: 1 } as const;
  const inputs = [
    { ...input, name: "big-table", index: null, fileName: "t.csv" },
    { ...input, name: "parts", index: 0, fileName: "m" },
    { ...input, name: "parts", index: 1, fileName: "m" },
  ];
  expect(variables(assignment({ inputs, outputs: [{ name: "m", path: "out/m/" }] }), {}, places)).toMatchObject({
    WEFT_INPUT_BIG_TABLE: "/a/workspace/inputs/big-table/t.csv",
    WEFT_INPUT_PARTS: "/a/workspace/inputs/parts",
    WEFT_OUTPUT_M: "/a/workspace/out/m",
  });
});

test("devices are given by uuid to the runtime of their vendor", () => {
  const nvidia = ["GPU-8f4b1a6e-0000-0000-0000-000000000001", "MIG-5f0e"];
  expect(variables(assignment({ gpuUuids: nvidia }), {}, places)).toMatchObject({
    CUDA_VISIBLE_DEVICES: nvidia.join(","),
    ROCR_VISIBLE_DEVICES: "",
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
  });
  const amd = variables(assignment({ gpuUuids: ["GPU-00c0ffee00c0ffee"] }), {}, places);
  expect(amd["ROCR_VISIBLE_DEVICES"]).toBe("GPU-00c0ffee00c0ffee");
  expect(amd).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
});
