"""Prefect: `prefect server` on the Postgres of WEFT_PEER_POSTGRES; tasks are Python functions in threads of the flow's process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from contest import AT_A_TIME, PLACE, run, steps_ms, timed, tree

READY_LIMIT_SECONDS = 170
LOOK_SECONDS = 0.2
CHAIN_STEPS = 100
FLOWS = 8
"""At a time; more of them only wait for the server."""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = _free_port()
os.environ.update(
    PREFECT_HOME=PLACE,
    PREFECT_API_URL=f"http://127.0.0.1:{PORT}/api",
    PREFECT_API_DATABASE_CONNECTION_URL=os.environ["WEFT_PEER_POSTGRES"].replace("postgres", "postgresql+asyncpg", 1),
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_LOGGING_LEVEL="WARNING",
    PREFECT_SERVER_LOGGING_LEVEL="ERROR",
    PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS=str(AT_A_TIME),
)

from prefect import __version__, flow, task  # noqa: E402: it reads its settings when it is imported


@task
def noop(*_):
    return None


@task
def nap(seconds):
    time.sleep(seconds)


@task
def start_time(_previous):
    return time.time()


@flow
def many(count):
    for future in [noop.submit() for _ in range(count)]:
        future.result()


@flow
def mapped(count):
    noop.map(list(range(count))).result()


@flow
def naps(count, seconds):
    nap.map([seconds] * count).result()


@flow
def merged(count):
    noop.submit([noop.submit() for _ in range(count)]).result()


@flow
def reduction(leaves_log2):
    made = []
    for _, needs in tree(leaves_log2):
        made.append(noop.submit([made[i] for i in needs]))
    made[-1].result()


@flow
def chained(steps):
    futures = []
    for step in range(steps):
        futures.append(start_time.submit(futures[-1] if step else None))
    return [future.result() for future in futures]


@flow
def one():
    noop.submit().result()


def start():
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PORT)],
        stdin=subprocess.DEVNULL,
        stdout=2,
    )
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    while not _answers():
        if server.poll() is not None:
            raise SystemExit(f"prefect server ended with {server.returncode}")
        if time.monotonic() > deadline:
            raise SystemExit(f"prefect server did not answer in {READY_LIMIT_SECONDS} s")
        time.sleep(LOOK_SECONDS)
    many(20)

    def stop():
        server.terminate()
        server.wait(20)

    return __version__, stop


def _answers():
    try:
        return urllib.request.urlopen(f"{os.environ['PREFECT_API_URL']}/health", timeout=2).status == 200
    except OSError:
        return False


def _line(count, work, also=None):
    words = ["Python functions in warm threads", "task runs told to the server after the fact", *([also] if also else [])]
    return {"count": count, "seconds": timed(work), "note": ", ".join(words)}


def chain():
    found = []
    line = _line(CHAIN_STEPS, lambda: found.extend(chained(CHAIN_STEPS)))
    return {**line, "stepMs": steps_ms(found)}


def jobs(count):
    def work():
        with ThreadPoolExecutor(FLOWS) as pool:
            list(pool.map(lambda _: one(), range(count)))

    return _line(count, work, f"a job is one flow run, in threads of one process, {FLOWS} at a time")


if __name__ == "__main__":
    run(
        start,
        {
            "noop-10k": lambda: _line(1_000, lambda: many(1_000)),
            "merge-10k": lambda: _line(1_001, lambda: merged(1_000)),
            "tree-15": lambda: _line(1_023, lambda: reduction(9)),
            "chain-100": chain,
            **{f"sleep-{ms}ms": (lambda ms=ms: _line(1_000, lambda: naps(1_000, ms / 1000))) for ms in (1, 10, 100)},
            "map-100k": lambda: _line(2_000, lambda: mapped(2_000)),
            "jobs-5k": lambda: jobs(50),
        },
    )
