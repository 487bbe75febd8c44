import { expect, test } from "vitest";
import { settingsForUv } from "./pip-settings.ts";

test("what pip.conf and PIP_ variables say about indexes is said to uv, unless the machine says it to uv itself", () => {
  const listed = [
    "global.index-url='https://a.example/simple'",
    "global.timeout='180'",
    "install.find-links='/opt/one\\n/opt/two'",
    ":env:.index-url='https://b.example/simple'",
    ":env:.cert='/etc/ssl/ca.pem'",
  ].join("\n");
  expect(settingsForUv(listed, { SSL_CERT_FILE: "/own.pem" })).toEqual({
    UV_DEFAULT_INDEX: "https://b.example/simple",
    UV_FIND_LINKS: "/opt/one,/opt/two",
  });
  expect(settingsForUv("", {})).toEqual({});
});
