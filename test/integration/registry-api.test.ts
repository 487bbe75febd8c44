import { expect, test } from "vitest";
import { registryForEach, type TestRegistry } from "../support/registry.ts";

let at: TestRegistry;

registryForEach((registry) => (at = registry));

const search = (filter: string, more = "") =>
  at.call("GET", `registered-models/search?filter=${encodeURIComponent(filter)}${more}`);

test("filters become SQL with bound values; whatever else is written is refused", async () => {
  for (const name of ["a'b", "Alpha", "beta"])
    await at.post("registered-models/create", { name, tags: [{ key: "k.x", value: name }] });
  await at.post("registered-models/create", { name: "p", tags: [{ key: "mlflow.prompt.is_prompt", value: "true" }] });
  const names = async (filter: string): Promise<string[]> =>
    ((await search(filter)).body["registered_models"] ?? []).map(({ name }: { name: string }) => name);
  expect(await names("name ILIKE 'A%'")).toEqual(["Alpha", "a'b"]);
  expect(await names("name = 'a''b'")).toEqual(["a'b"]);
  expect(await names(`name IN ('beta', 'p')`)).toEqual(["beta"]);
  expect(await names("tags.`k.x` LIKE '%eta' AND tag.`mlflow.prompt.is_prompt` != 'true'")).toEqual(["beta"]);
  expect(await names("tags.`mlflow.prompt.is_prompt` = 'true'")).toEqual(["p"]);
  expect(await names("tags.nowhere != 'x'")).toEqual([]);
  const wrong = [
    "name = 'a' OR name = 'b'",
    "(name = 'a')",
    "name > 'a'",
    "name = 1",
    "foo = 'x'",
    "params.x = 'y'",
    "name",
    "name = 'a'; drop table registered_models",
    "name = 'a' --",
    "name LIKE 'x\\'",
  ];
  for (const filter of wrong)
    expect([filter, await search(filter)]).toMatchObject([
      filter,
      { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } },
    ]);
  const page = await search("", "&max_results=2&order_by=name%20DESC");
  expect(page.body["registered_models"].map(({ name }: { name: string }) => name)).toEqual(["beta", "a'b"]);
  const rest = await search("", `&max_results=2&order_by=name%20DESC&page_token=${page.body["next_page_token"]}`);
  expect(rest.body["registered_models"]).toHaveLength(1);
  expect(rest.body).not.toHaveProperty("next_page_token");
});

test("pages go on where the one before ended, whatever is made or changed meanwhile", async () => {
  await at.modelOf("fraud", 3);
  await at.modelOf("churn", 2);
  const seen: string[] = [];
  let token = "";
  do {
    const { body } = await at.call("GET", `model-versions/search?max_results=2&page_token=${token}`);
    for (const { name, version } of body["model_versions"]) seen.push(`${name}/${version}`);
    token = body["next_page_token"] ?? "";
    await at.post("model-versions/create", { name: "fraud", source: "runs:/r/m" });
  } while (token !== "");
  expect(seen).toHaveLength(5);
  expect(new Set(seen)).toEqual(new Set(["fraud/1", "fraud/2", "fraud/3", "churn/1", "churn/2"]));
  const events = [{ entity: "REGISTERED_MODEL", action: "CREATED" }];
  for (const name of ["one", "two", "three"]) await at.post("webhooks", { name, url: "http://127.0.0.1:9/", events });
  const first = await at.call("GET", "webhooks?max_results=2");
  const second = await at.call("GET", `webhooks?max_results=2&page_token=${first.body["next_page_token"]}`);
  expect(second.body).not.toHaveProperty("next_page_token");
  const names = [...first.body["webhooks"], ...second.body["webhooks"]].map(({ name }: { name: string }) => name);
  expect(names.toSorted()).toEqual(["one", "three", "two"]);
  for (const path of ["webhooks", "registered-models/search"])
    expect((await at.call("GET", `${path}?page_token=${token || "bm9uZQ"}`)).status).toBe(400);
});

test("errors have the codes and the words that MLflow's clients expect", async () => {
  await at.modelOf("fraud", 1);
  const cases: [string, string, object | undefined, number, string, RegExp][] = [
    ["POST", "registered-models/create", { name: "fraud" }, 400, "RESOURCE_ALREADY_EXISTS", /already exists/],
    [
      "POST",
      "registered-models/create",
      {},
      400,
      "INVALID_PARAMETER_VALUE",
      /Missing value for required parameter 'name'/,
    ],
    ["POST", "registered-models/create", { name: "a/b" }, 400, "INVALID_PARAMETER_VALUE", /cannot contain/],
    ["GET", "registered-models/get?name=x", undefined, 404, "RESOURCE_DOES_NOT_EXIST", /with name=x not found/],
    [
      "GET",
      "model-versions/get?name=fraud&version=9",
      undefined,
      404,
      "RESOURCE_DOES_NOT_EXIST",
      /version=9\) not found/,
    ],
    [
      "GET",
      "registered-models/alias?name=fraud&alias=no",
      undefined,
      400,
      "INVALID_PARAMETER_VALUE",
      /alias no not found/,
    ],
    [
      "POST",
      "registered-models/alias",
      { name: "fraud", alias: "v1", version: "1" },
      400,
      "INVALID_PARAMETER_VALUE",
      /reserved/,
    ],
    [
      "POST",
      "model-versions/create",
      { name: "fraud", source: "/etc/passwd" },
      400,
      "INVALID_PARAMETER_VALUE",
      /local path/,
    ],
    [
      "POST",
      "model-versions/create",
      { name: "fraud", source: "mlflow-artifacts:/a/%2e%2e/b" },
      400,
      "INVALID_PARAMETER_VALUE",
      /relative path/,
    ],
    [
      "POST",
      "model-versions/transition-stage",
      { name: "fraud", version: "1", stage: "live" },
      400,
      "INVALID_PARAMETER_VALUE",
      /None, Staging, Production, Archived/,
    ],
  ];
  for (const [method, path, body, status, code, message] of cases) {
    const answer = await at.call(method, path, body);
    expect([path, answer.status, answer.body["error_code"]]).toEqual([path, status, code]);
    expect(answer.body["message"]).toMatch(message);
  }
});

test("what Postgres cannot hold stops neither an evaluation nor what is told of a change: it is refused by name, or replaced", async () => {
  await at.modelOf("fraud", 1);
  const record = (dataset: string, metric: string) =>
    at.registry.evaluations.record(
      {
        name: "fraud",
        version: "1",
        id: "",
        dataset,
        datasetDigest: "",
        metrics: { [metric]: 1 },
        segments: {},
        attempt: "",
        runId: "",
      },
      "tester",
    );
  await expect(record("hold\0out", "auc")).rejects.toMatchObject({ code: "invalid" });
  await expect(record("holdout", "au\0c")).rejects.toMatchObject({ code: "invalid" });
  await record("half \ud800", "half \ud800");
  const { rows } = await at.db.pool.query("select dataset, metrics from model_evaluations");
  expect(rows).toEqual([{ dataset: "half \uFFFD", metrics: { "half \uFFFD": 1 } }]);
  const made = await at.post("registered-models/create", { name: "half", description: "half \ud800" });
  expect(made.body["registered_model"].description).toBe("half \uFFFD");
});
