import { loadSync, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";

/** The parts of google.protobuf.FileDescriptorProto that name other types; all other fields pass through unread. */
interface FileDescriptor {
  name: string;
  package?: string;
  dependency?: string[];
  messageType?: MessageDescriptor[];
  enumType?: { name: string }[];
  service?: { name: string; method?: { inputType: string; outputType: string }[] }[];
}
interface MessageDescriptor {
  name: string;
  field?: FieldDescriptor[];
  oneofDecl?: { name: string }[];
  nestedType?: MessageDescriptor[];
  options?: { mapEntry?: boolean };
  enumType?: { name: string }[];
}

interface FieldDescriptor {
  name: string;
  typeName?: string;
  jsonName?: string;
  oneofIndex?: number;
  proto3Optional?: boolean;
}

/**
 * The definitions with file descriptors that strict clients take. Those that protobufjs makes name types relative to
 * where they are used, leave out the files they depend on, and call the entries of maps by names of their own; Go's
 * protodesc, and with it grpcurl, refuses each of the three.
 */
export function reflectable(definitions: readonly PackageDefinition[]): PackageDefinition {
  const codec = loadSync("google/protobuf/descriptor.proto", { longs: Number })["google.protobuf.FileDescriptorProto"];
  const { serialize, deserialize } = codec as MessageTypeDefinition<FileDescriptor, FileDescriptor>;
  const files = new Map<string, FileDescriptor>();
  for (const definition of definitions.flatMap((all) => Object.values(all))) {
    if (!("fileDescriptorProtos" in definition)) continue;
    for (const bytes of definition.fileDescriptorProtos as Buffer[]) {
      const file = deserialize(bytes);
      if (!files.has(file.name)) files.set(file.name, file);
    }
  }
  const fileOf = new Map<string, string>();
  for (const message of [...files.values()].flatMap((file) => file.messageType ?? [])) mend(message);
  for (const file of files.values()) collect(file, fileOf);
  for (const file of files.values()) link(file, fileOf);
  const fileDescriptorProtos = [...files.values()].map((file) => serialize(file));
  return { all: { ...(codec as MessageTypeDefinition<object, object>), fileDescriptorProtos } };
}

function mend(message: MessageDescriptor): void {
  for (const nested of message.nestedType ?? []) mend(nested);
  renameEntries(message);
  for (const field of message.field ?? []) {
    // As protoc does: started_at_ms is startedAtMs in JSON.
    field.jsonName = field.name.replace(/_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
    const oneof = field.oneofIndex === undefined ? undefined : message.oneofDecl?.[field.oneofIndex];
    if (oneof?.name === `_${field.name}`) field.proto3Optional = true;
  }
}

/** The entries of a map `nodes_failing` are messages named `NodesFailingEntry` (protobuf language guide, "Maps"). */
function renameEntries(message: MessageDescriptor): void {
  for (const nested of message.nestedType ?? []) {
    if (!nested.options?.mapEntry) continue;
    const field = message.field?.find(({ typeName }) => typeName === nested.name);
    if (!field) throw new Error(`${message.name} has entries ${nested.name} of no map`);
    const camel = field.name.replace(/(?:^|_)([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
    nested.name = `${camel}Entry`;
    field.typeName = nested.name;
  }
}

/** Every message and enum of the file, by full name. */
function collect(file: FileDescriptor, fileOf: Map<string, string>): void {
  const visit = (message: MessageDescriptor, scope: string): void => {
    const name = join(scope, message.name);
    fileOf.set(name, file.name);
    for (const nested of message.nestedType ?? []) visit(nested, name);
    for (const nested of message.enumType ?? []) fileOf.set(join(name, nested.name), file.name);
  };
  for (const message of file.messageType ?? []) visit(message, file.package ?? "");
  for (const type of file.enumType ?? []) fileOf.set(join(file.package ?? "", type.name), file.name);
}

/** Makes every reference absolute and lists the files that they lead to. */
function link(file: FileDescriptor, fileOf: ReadonlyMap<string, string>): void {
  const dependencies = new Set<string>();
  const absolute = (reference: string, scope: string): string => {
    const name = resolve(reference, scope, fileOf);
    const target = fileOf.get(name);
    if (target === undefined) throw new Error(`${file.name} refers to ${reference}, which no loaded proto file has`);
    if (target !== file.name) dependencies.add(target);
    return `.${name}`;
  };
  const visit = (message: MessageDescriptor, scope: string): void => {
    const name = join(scope, message.name);
    for (const field of message.field ?? []) if (field.typeName) field.typeName = absolute(field.typeName, name);
    for (const nested of message.nestedType ?? []) visit(nested, name);
  };
  for (const message of file.messageType ?? []) visit(message, file.package ?? "");
  for (const method of (file.service ?? []).flatMap((service) => service.method ?? [])) {
    method.inputType = absolute(method.inputType, file.package ?? "");
    method.outputType = absolute(method.outputType, file.package ?? "");
  }
  file.dependency = [...dependencies];
}

/** As protobuf resolves a relative name: in the scope it stands in, then in each scope around it. */
function resolve(reference: string, scope: string, fileOf: ReadonlyMap<string, string>): string {
  if (reference.startsWith(".")) return reference.slice(1);
  for (let around = scope; around !== ""; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
    if (fileOf.has(join(around, reference))) return join(around, reference);
  }
  return reference;
}

function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
