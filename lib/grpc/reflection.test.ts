import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import { expect, test } from "vitest";
import { reflectedDefinition } from "../../proto/channel.ts";
import { reflectable } from "./reflection.ts";

interface File {
  name: string;
  package: string;
  dependency: string[];
  messageType: Message[];
}
interface Message {
  name: string;
  field: { name: string; typeName: string; jsonName: string; proto3Optional: boolean }[];
  nestedType: (Message & { options: { mapEntry: boolean } | null })[];
}

const codec = loadSync("google/protobuf/descriptor.proto", { defaults: true })["google.protobuf.FileDescriptorProto"];
const files = (
  Object.values(reflectable([reflectedDefinition()]))[0] as MessageTypeDefinition<File, File>
).fileDescriptorProtos.map((bytes) => (codec as unknown as MessageTypeDefinition<File, File>).deserialize(bytes));
const weft = files.find((file) => file.package === "weft.v1")!;
const messageNamed = (name: string): Message => weft.messageType.find((message) => message.name === name)!;

test("every type is named absolutely, and the files that hold the others are depended on", () => {
  const types = weft.messageType
    .flatMap((message) => [message, ...message.nestedType])
    .flatMap(({ field }) => field.map(({ typeName }) => typeName));
  expect(types.filter((name) => name !== "" && !name.startsWith("."))).toEqual([]);
  expect(types).toContain(".google.protobuf.Value");
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(weft.dependency));
  expect(weft.dependency).toHaveLength(1);
});

test("entries of maps have the names that protobuf gives them", () => {
  const reason = messageNamed("ExplainReason");
  expect(reason.nestedType.map(({ name }) => name)).toEqual(["NodesFailingEntry"]);
  expect(reason.field.find(({ name }) => name === "nodes_failing")!.typeName).toBe(
    ".weft.v1.ExplainReason.NodesFailingEntry",
  );
});

test("fields are named as the proto files write them, and optional ones are", () => {
  const fields = messageNamed("Task").field;
  expect(fields.map(({ name }) => name)).toContain("started_at_ms");
  expect(fields.filter(({ proto3Optional }) => proto3Optional).map(({ name }) => name)).toEqual(["exit_code"]);
  expect(fields.find(({ name }) => name === "started_at_ms")!.jsonName).toBe("startedAtMs");
});
