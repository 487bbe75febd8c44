"""Events of an unmodified OpenLineage client to the server at OPENLINEAGE_URL; and, as the argument, a file of Weft's own events, each held against the client's classes."""

import importlib
import json
import os
import pkgutil
import re
import sys
import unittest
import urllib.request
from datetime import datetime, timezone

import attr
import openlineage.client.generated as generated
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import DatasetEvent, InputDataset, Job, JobEvent, OutputDataset, Run, RunEvent, RunState, StaticDataset
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    documentation_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

URL = os.environ["OPENLINEAGE_URL"]
OWN = sys.argv.pop()


def now():
    return datetime.now(timezone.utc).isoformat()


def get(path):
    with urllib.request.urlopen(f"{URL}{path}") as answer:
        return json.load(answer)


def schema(*names):
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type="INT") for name in names]
    return schema_dataset.SchemaDatasetFacet(fields=fields)


class Emitting(unittest.TestCase):
    def run_of(self, client, name, inputs=(), outputs=(), end=RunState.COMPLETE, facets=None):
        run = Run(runId=str(generate_new_uuid()), facets=facets or {})
        job = Job(namespace="py", name=name, facets={"jobType": job_type_job.JobTypeJobFacet("BATCH", "PYTHON", "JOB")})
        for state in (RunState.START, end):
            client.emit(RunEvent(eventType=state, eventTime=now(), run=run, job=job, inputs=list(inputs), outputs=list(outputs)))
        return run.runId

    def test_runs_become_part_of_the_graph(self):
        client = OpenLineageClient()
        version = dataset_version_dataset.DatasetVersionDatasetFacet("v1")
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=3, size=12)
        table = OutputDataset("s3://lake", "table", facets={"schema": schema("a"), "version": version}, outputFacets={"outputStatistics": statistics})
        first = self.run_of(client, "load", [InputDataset("s3://lake", "raw.csv")], [table])
        parent = parent_run.ParentRunFacet(run=parent_run.Run(first), job=parent_run.Job("py", "load"))
        second = self.run_of(client, "train", [InputDataset("s3://lake", "table", facets={"version": version})], facets={"parent": parent})
        reached = {node["id"] for node in get("/v1/lineage/impact?id=s3://lake/raw.csv")["nodes"]}
        self.assertLessEqual({first, second, "s3://lake/table"}, reached)

    def test_a_packed_body_with_a_key(self):
        config = HttpConfig(url=URL, auth=ApiKeyTokenProvider({"apiKey": "secret"}), compression=HttpCompression.GZIP)
        client = OpenLineageClient(transport=HttpTransport(config))
        failed = error_message_run.ErrorMessageRunFacet("no memory", "python", "a stack")
        run = self.run_of(client, "packed", end=RunState.FAIL, facets={"errorMessage": failed})
        node = next(node for node in get(f"/v1/lineage/trace?id={run}")["nodes"] if node["id"] == run)
        self.assertEqual("FAILED", node["facts"]["state"])

    def test_jobs_and_data_sets_without_a_run(self):
        client = OpenLineageClient()
        client.emit(JobEvent(eventTime=now(), job=Job("py", "view"), inputs=[InputDataset("db", "a")], outputs=[OutputDataset("db", "b")]))
        facets = {"documentation": documentation_dataset.DocumentationDatasetFacet("rows")}
        client.emit(DatasetEvent(eventTime=now(), dataset=StaticDataset("db", "a", facets=facets)))
        self.assertIn("dataset:db:b", {node["id"] for node in get("/v1/lineage/impact?id=dataset:db:a")["nodes"]})


def classes():
    """Facets of the specification by their schema's URL without its version."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for value in vars(importlib.import_module(f"openlineage.client.generated.{module.name}")).values():
            if isinstance(value, type) and attr.has(value) and hasattr(value, "_get_schema"):
                found[value._get_schema()] = value
    return found


class Emitted(unittest.TestCase):
    """An attrs class takes no field that it does not have, and misses none that must be there; its validators look at times, URIs and UUIDs."""

    @classmethod
    def setUpClass(cls):
        with open(OWN) as file:
            cls.events = json.load(file)
        cls.classes = classes()

    def facets(self, facets):
        for name, facet in facets.items():
            body = {key: value for key, value in facet.items() if key not in ("_producer", "_schemaURL")}
            self.assertEqual("urn:weft:server", facet["_producer"])
            if facet["_schemaURL"].startswith("urn:weft:facet:"):
                continue
            self.assertIn(facet["_schemaURL"], self.classes, name)
            self.made(self.classes[facet["_schemaURL"]], body)
        return {}

    def dataset(self, kind, body, use):
        return kind(body["namespace"], body["name"], facets=self.facets(body["facets"]), **{use: self.facets(body[use])})

    def made(self, kind, body):
        """Of plain JSON; fields that are classes of their own are made as such."""
        parts = {field.name: nested(kind, field) for field in attr.fields(kind)}
        values = {}
        for key, value in body.items():
            of = parts.get(key)
            if of is not None and isinstance(value, dict):
                value = self.made(of, value)
            elif of is not None and isinstance(value, list):
                value = [self.made(of, one) for one in value]
            values[key] = value
        return kind(**values)

    def test_each_is_what_the_classes_of_the_client_take(self):
        self.assertGreater(len(self.events), 5)
        for event in self.events:
            self.assertRegex(event["schemaURL"], r"/2-0-2/OpenLineage\.json#/\$defs/RunEvent$")
            run = Run(runId=event["run"]["runId"], facets=self.facets(event["run"]["facets"]))
            job = Job(event["job"]["namespace"], event["job"]["name"], facets=self.facets(event["job"]["facets"]))
            inputs = [self.dataset(InputDataset, one, "inputFacets") for one in event["inputs"]]
            outputs = [self.dataset(OutputDataset, one, "outputFacets") for one in event["outputs"]]
            made = RunEvent(eventType=RunState(event["eventType"]), eventTime=event["eventTime"], run=run, job=job, inputs=inputs, outputs=outputs)
            self.assertEqual(event["run"]["runId"], made.run.runId)


def nested(kind, field):
    names = re.findall(r"[A-Z]\w+", str(field.type))
    module = sys.modules[kind.__module__]
    found = [getattr(module, name, None) for name in names]
    return next((one for one in found if isinstance(one, type) and attr.has(one)), None)


if __name__ == "__main__":
    unittest.main()
