import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { verifyGithub, verifyStandard } from "./signature.ts";

const NOW_MS = 1_790_000_000_000;

describe("GitHub's signature", () => {
  // The example of GitHub's documentation, "Validating webhook deliveries".
  const secret = "It's a Secret to Everybody";
  const body = Buffer.from("Hello, World!");
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

  test("that of its documentation is right", () => {
    expect(verifyGithub(secret, { "x-hub-signature-256": signature }, body)).toEqual({ ok: true, id: null });
  });

  test.each([
    ["another body", secret, signature, "Hello, World?"],
    ["another secret", "guess", signature, "Hello, World!"],
    ["no signature", secret, undefined, "Hello, World!"],
    ["a short one", secret, "sha256=75", "Hello, World!"],
    ["SHA-1", secret, "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", "Hello, World!"],
  ])("%s is refused", (_what, key, header, text) => {
    expect(verifyGithub(key, { "x-hub-signature-256": header }, Buffer.from(text)).ok).toBe(false);
  });
});

describe("Standard Webhooks", () => {
  // The example of the specification's libraries.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const body = Buffer.from(`{"test": 2432232314}`);
  const then = 1_614_265_330_000;

  test("that of the specification is right, also among others", () => {
    expect(verifyStandard(secret, headers, body, then)).toEqual({ ok: true, id: "msg_p5jXN8AQM9LWM0D4loKWxJek" });
    const several = { ...headers, "webhook-signature": `v1,AAAA v1a,xx ${headers["webhook-signature"]}` };
    expect(verifyStandard(secret, several, body, then + 299_000).ok).toBe(true);
  });

  test("an old one and one of the future are refused, with how far they are", () => {
    expect(verifyStandard(secret, headers, body, then + 301_000)).toEqual({
      ok: false,
      reason: "webhook-timestamp is 301 s from this server's clock; 300 s are allowed",
    });
    expect(verifyStandard(secret, headers, body, then - 301_000).ok).toBe(false);
  });

  test("id and time are signed", () => {
    expect(verifyStandard(secret, { ...headers, "webhook-id": "msg_2" }, body, then).ok).toBe(false);
    expect(verifyStandard(secret, { ...headers, "webhook-timestamp": String(NOW_MS / 1000) }, body, NOW_MS).ok).toBe(
      false,
    );
    expect(verifyStandard(secret, headers, Buffer.from("{}"), then).ok).toBe(false);
    const raw = createHmac("sha256", secret)
      .update(`${headers["webhook-id"]}.1614265330.`)
      .update(body)
      .digest("base64");
    expect(verifyStandard(secret, { ...headers, "webhook-signature": `v1,${raw}` }, body, then).ok).toBe(false);
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])("without %s it is refused", (name) => {
    expect(verifyStandard(secret, { ...headers, [name]: undefined }, body, then).ok).toBe(false);
  });
});
