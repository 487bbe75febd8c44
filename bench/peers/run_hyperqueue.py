"""HyperQueue: a local server and one worker, real processes, each task's stdout and stderr in files as by default."""

import importlib.metadata
import os
import shutil
import tempfile
import time

os.environ["TQDM_DISABLE"] = "1"

from contest import AT_A_TIME, PLACE, run, steps_ms, tree
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

TRUE = ["true"]
CHAIN_STEPS = 100


def start():
    cluster = LocalCluster(server_dir=os.path.join(PLACE, "server"))
    # A core a task; they are counted, not pinned, so 64 of them is what "64 at a time" means here.
    cluster.start_worker(WorkerConfig(cores=AT_A_TIME))
    global client
    client = cluster.client()
    _drain([_job(range(200))])

    return importlib.metadata.version("hyperqueue"), cluster.stop


def _job(tasks, args=TRUE):
    job = Job(default_workdir=tempfile.mkdtemp(dir=PLACE))
    for _ in tasks:
        job.program(args)
    return job


def _drain(jobs, sleep_seconds=0.0):
    """Seconds until the last task's end. The client looks once a second whether jobs have ended, so the end is taken
    from the files: the last task to start made its stdout file then, and ended `sleep_seconds` later at the earliest."""
    began = time.time()
    submitted = [client.submit(job) for job in jobs]
    client.wait_for_jobs(submitted)
    waited = time.time() - began
    last = max(at for job in jobs for at in _starts(job))
    for job in jobs:
        shutil.rmtree(job.default_workdir, ignore_errors=True)
    return min(waited, last - began + sleep_seconds)


def _starts(job):
    """When each task's stdout file was made: epoch seconds."""
    found = []
    for folder, _, files in os.walk(job.default_workdir):
        found += [os.stat(os.path.join(folder, name)).st_mtime for name in files if name.endswith("stdout")]
    return found


def independent(count, args=TRUE, sleep_seconds=0.0):
    return lambda: _line(count, _drain([_job(range(count), args)], sleep_seconds))


def merge(count):
    job = _job(range(count))
    job.program(TRUE, deps=list(job.tasks))
    return _line(count + 1, _drain([job]))


def tree_15():
    job = Job(default_workdir=tempfile.mkdtemp(dir=PLACE))
    made = []
    for _, needs in tree(14):
        made.append(job.program(TRUE, deps=[made[i] for i in needs]))
    return _line(len(made), _drain([job]))


def chain():
    job = Job(default_workdir=tempfile.mkdtemp(dir=PLACE))
    for step in range(CHAIN_STEPS):
        job.program(TRUE, deps=job.tasks[-1:] if step else [])
    began = time.time()
    client.wait_for_jobs([client.submit(job)])
    starts = _starts(job)
    return {**_line(CHAIN_STEPS, max(starts) - began), "stepMs": steps_ms(starts)}


def jobs(count):
    return _line(count, _drain([_job(range(1)) for _ in range(count)]))


def _line(count, seconds):
    return {"count": count, "seconds": seconds, "note": "real processes, output in files, nothing durable"}


if __name__ == "__main__":
    run(
        start,
        {
            "noop-10k": independent(10_000),
            "merge-10k": lambda: merge(10_000),
            "tree-15": tree_15,
            "chain-100": chain,
            **{
                f"sleep-{ms}ms": independent(10_000, ["sleep", str(ms / 1000)], ms / 1000) for ms in (1, 10, 100)
            },
            # Its arrays are for its command line; through Python each task is one of its own.
            "map-100k": independent(100_000),
            "jobs-5k": lambda: jobs(5_000),
        },
    )
