import type { ServiceDefinition } from "@grpc/grpc-js";

/**
 * The bytes that a request was read from, for as long as the request itself is kept. They give its size, and let a
 * follower pass a call on to the leader without encoding it again.
 */
const rawRequests = new WeakMap<object, Buffer>();

export function rawRequest(request: object): Buffer | undefined {
  return rawRequests.get(request);
}

/** The definition, changed so that requests leave their bytes behind and a response may be bytes already. */
export function recordRaw(definition: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      name,
      {
        ...method,
        requestDeserialize: (bytes: Buffer): object => {
          const request = method.requestDeserialize(bytes) as object;
          rawRequests.set(request, bytes);
          return request;
        },
        responseSerialize: (response: unknown): Buffer =>
          Buffer.isBuffer(response) ? response : method.responseSerialize(response),
      },
    ]),
  );
}
