"""Against a running server: WEFT_SERVER names it. `python -m unittest discover -s tests`, with the package installed."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import weft

PIPELINE = """
pipeline: from-python
params: { word: hello, learning-rate: 0.5, times: 2 }
tasks:
  make:
    map: { n: [1, 2] }
    run: ["%s", make.py]
    outputs: { text: out/text.txt, folder: all/ }
    checkpoint: true
  join:
    inputs: { texts: make.text }
    run: cat inputs/texts/0/text.txt inputs/texts/1/text.txt; echo done >&2
""" % sys.executable

MAKE = """
import weft

job = weft.job()
print(job.task, job.index, job.attempt, job.pipeline, job.rank, job.world_size)
assert job.checkpoint is not None and job.checkpoint.is_dir()
assert dict(job.inputs) == {}
line = " ".join([job.params["word"]] * job.params["times"])
job.outputs["text"].write_text(f"{line} {job.map['n']} {job.params['learning-rate'] * 2}\\n")
(job.outputs["folder"] / "deep").mkdir()
(job.outputs["folder"] / "deep/tool").write_text("#!/bin/sh\\n")
(job.outputs["folder"] / "deep/tool").chmod(0o755)
job.set_result({"n": job.map["n"], "square": job.map["n"] ** 2})
"""


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = weft.Client()
        self.addCleanup(self.client.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_a_pipeline_with_its_folder_runs_and_tells_what_it_did(self) -> None:
        path = self.write("weft.yaml", PIPELINE)
        self.write("make.py", MAKE)
        self.write("data/ignored.csv", "x")
        self.write(".weftignore", "data/\n")
        job_id = self.client.submit(path, params={"times": 3}, idempotency_key=f"key of {self.folder}")
        self.assertEqual(self.client.submit(path, params={"times": 3}, idempotency_key=f"key of {self.folder}"), job_id)
        job = self.client.wait(job_id, timeout=120)
        self.assertEqual((job.state, job.pipeline, job.params["times"]), ("succeeded", "from-python", 3), job.reason)
        self.assertEqual(sorted((task.name, task.index) for task in job.tasks), [("join", 0), ("make", 0), ("make", 1)])
        self.assertEqual(job.task("make", 1).map, {"n": 2})
        self.assertEqual(self.client.results(job_id), {"make": [{"n": 1, "square": 1}, {"n": 2, "square": 4}]})

        chunks = list(self.client.logs(job_id, "join", follow=True))
        text = {stream: b"".join(chunk.data for chunk in chunks if chunk.stream == stream) for stream in ("stdout", "stderr")}
        self.assertEqual(text, {"stdout": b"hello hello hello 1 1.0\nhello hello hello 2 1.0\n", "stderr": b"done\n"})
        self.assertIn(b"make 1 1 from-python 0 1\n", b"".join(chunk.data for chunk in self.client.logs(job_id, "make", index=1)))

        file = self.client.download(job_id, "make", "text", self.folder / "got/text.txt", index=1)
        self.assertEqual(file.read_text(), "hello hello hello 2 1.0\n")
        tool = self.client.download(job_id, "make", "folder", self.folder / "got/all") / "deep/tool"
        self.assertTrue(os.access(tool, os.X_OK))
        with self.assertRaisesRegex(weft.WeftError, 'no output "nope"'):
            self.client.download(job_id, "make", "nope", self.folder / "x")
        self.assertIn(job_id, [found.id for found in self.client.jobs(pipeline="from-python", states=("succeeded",))])

    def test_a_folder_has_the_digest_that_weft_submit_gives_it(self) -> None:
        command = os.environ.get("WEFT_COMMAND")
        if command is None:
            self.skipTest("WEFT_COMMAND, how weft is run, is not set")
        self.write("weft.yaml", "pipeline: same\ntasks: { a: { run: ':' } }\n")
        for name in ("ä/ö.txt", "z.txt", "A.txt", "\U0001f600.txt", "\ufb01.txt", "deep/.hidden", "skipped.log", "kept.log"):
            self.write(name, name)
        self.write(".weftignore", "*.log\n!kept.log\n")
        self.write("run.sh", "").chmod(0o755)
        for git in (False, True):
            if git:
                subprocess.run(["git", "init", "-q", self.folder], check=True)
                self.write(".gitignore", "z.txt\n")
            done = subprocess.run(f"{command} submit {self.folder} --follow --json", shell=True, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            job_id = self.client.submit(self.folder)
            digests = {self.code(id) for id in (job_id, json.loads(done.stdout)["id"])}
            self.assertEqual(len(digests), 1, f"git: {git}")

    def code(self, job_id: str) -> str:
        from weft.v1 import job_pb2

        return str(self.client._unary("JobService/Get", job_pb2.GetJobRequest(job_id=job_id), job_pb2.Job).code.digest)

    def test_a_pipeline_is_built_in_python(self) -> None:
        pipeline = (
            weft.Pipeline("built", {"word": "it's"})
            .task("a", run="echo {{ params.word }} > a.txt; exit 3", outputs={"a": "a.txt"}, retries={"limit": 1, "backoff": "10ms"})
            .task("b", run=["true"], needs=["a"], when="always")
        )
        job = self.client.wait(self.client.submit(pipeline, priority=5), timeout=60)
        a = job.task("a")
        self.assertEqual((job.state, a.state, a.exit_code, a.attempt), ("failed", "failed", 3, 2))
        self.assertEqual(job.task("b").state, "succeeded")
        with self.assertRaisesRegex(ValueError, "there already"):
            pipeline.task("a", run="true")

    def test_what_is_wrong_is_said_with_its_place(self) -> None:
        path = self.write("p.yaml", "pipeline: p\ntasks:\n  a:\n    runn: x\n    run: x\n")
        with self.assertRaises(weft.WeftError) as raised:
            self.client.submit(path)
        self.assertEqual(raised.exception.code, "invalid")
        self.assertEqual([issue.path for issue in raised.exception.issues], [("tasks", "a", "runn")])
        self.assertIn('p.yaml:4:5: "runn" is not known', raised.exception.issues[0].message)
        with self.assertRaises(weft.WeftError) as raised:
            self.client.submit(weft.Pipeline("p").task("a", run="true"), params={"no": 1})
        self.assertEqual(raised.exception.code, "invalid")
        with self.assertRaises(weft.WeftError) as raised:
            self.client.job("nosuchjob")
        self.assertEqual(raised.exception.code, "not_found")

    def test_a_job_is_cancelled_and_waiting_may_end_before_it(self) -> None:
        job_id = self.client.submit(weft.Pipeline("long").task("a", run="echo up; sleep 600"))
        next(self.client.logs(job_id, follow=True))
        with self.assertRaises(TimeoutError):
            self.client.wait(job_id, timeout=0.5)
        self.client.cancel(job_id, "enough")
        self.assertEqual(self.client.wait(job_id, timeout=60).state, "cancelled")

    def test_a_server_that_is_not_there_is_named(self) -> None:
        with weft.Client("127.0.0.1:1") as nowhere, self.assertRaises(weft.WeftError) as raised:
            nowhere.job("x")
        self.assertEqual((raised.exception.code, str(raised.exception)), ("unavailable", "no Weft server answers at 127.0.0.1:1"))

    def test_outside_of_a_task_there_is_no_task(self) -> None:
        with self.assertRaisesRegex(weft.WeftError, "WEFT_JOB_ID is not set"):
            weft.job({})


if __name__ == "__main__":
    unittest.main()
