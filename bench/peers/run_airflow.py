"""Airflow: API server, DAG processor and scheduler with the LocalExecutor, on the Postgres of WEFT_PEER_POSTGRES."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg2
from contest import PLACE, run, steps_ms

HERE = Path(__file__).parent
DAGS = Path(PLACE) / "dags"
READY_LIMIT_SECONDS = 170
LOOK_SECONDS = 0.2
PROCESSES = 16
"""At a time: each has an interpreter of its own, so 64 as elsewhere would only take turns."""
DATABASE = os.environ["WEFT_PEER_POSTGRES"]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = _free_port()
API = f"http://127.0.0.1:{PORT}"
SETTINGS = {
    "AIRFLOW_HOME": PLACE,
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": DATABASE.replace("postgres", "postgresql+psycopg2", 1),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": str(PROCESSES),
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(PROCESSES),
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": str(PROCESSES),
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{API}/execution/",
    "AIRFLOW__API__BASE_URL": API,
    "AIRFLOW__API__PORT": str(PORT),
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
    "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "NO_PROXY": "*",
}
os.environ.update(SETTINGS)
AIRFLOW = str(Path(sys.executable).parent / "airflow")


def start():
    global token
    DAGS.mkdir()
    shutil.copy(HERE / "airflow_dags.py", DAGS / "bench.py")
    subprocess.run([AIRFLOW, "db", "migrate"], check=True, stdin=subprocess.DEVNULL, stdout=2)
    parts = {
        name: subprocess.Popen([AIRFLOW, name], stdin=subprocess.DEVNULL, stdout=2)
        for name in ("api-server", "dag-processor", "scheduler")
    }
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    while True:
        ended = [f"airflow {name} ended with {part.poll()}" for name, part in parts.items() if part.poll() is not None]
        if ended:
            raise SystemExit(", ".join(ended))
        if time.monotonic() > deadline:
            raise SystemExit(f"airflow was not ready in {READY_LIMIT_SECONDS} s")
        try:
            token = _call("GET", "/auth/token")["access_token"]
            if not _call("GET", "/api/v2/dags/one")["is_paused"]:
                break
        except (OSError, ValueError):
            pass
        time.sleep(LOOK_SECONDS)
    _runs("one", 1)

    def stop():
        for part in reversed(parts.values()):
            part.terminate()
        for part in parts.values():
            part.wait(20)

    return _call("GET", "/api/v2/version")["version"], stop


def _call(method, path, body=None):
    request = urllib.request.Request(API + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if "token" in globals():
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}") from error


def _runs(dag, count):
    """Triggers `count` runs and waits for all: (seconds from the first one's queueing to the last one's end, run ids)."""
    ids = [f"bench-{secrets.token_hex(6)}" for _ in range(count)]
    for name in ids:
        _call("POST", f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": name, "logical_date": None})
    with psycopg2.connect(DATABASE) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while True:
            cursor.execute(
                "select count(*) filter (where state = 'success'), count(*) filter (where state = 'failed'),"
                " extract(epoch from max(end_date) - min(queued_at)) from dag_run where run_id = any(%s)",
                (ids,),
            )
            succeeded, failed, seconds = cursor.fetchone()
            if failed:
                raise RuntimeError(f"{failed} of {count} runs of {dag} failed")
            if succeeded == count:
                return float(seconds), ids
            time.sleep(LOOK_SECONDS)


def _tasks(ids, column):
    with psycopg2.connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute(f"select extract(epoch from {column}) from task_instance where run_id = any(%s)", (ids,))
        return [float(value) for (value,) in cursor.fetchall()]


def once(dag, count=1):
    def measure():
        seconds, ids = _runs(dag, count)
        return {
            "count": len(_tasks(ids, "end_date")),
            "seconds": seconds,
            "note": f"real processes, {PROCESSES} at a time, with logs, durable in Postgres",
        }

    return measure


def chain():
    seconds, ids = _runs("chain", 1)
    starts = _tasks(ids, "start_date")
    return {"count": len(starts), "seconds": seconds, "stepMs": steps_ms(starts), "note": "durable in Postgres"}


if __name__ == "__main__":
    run(
        start,
        {
            "noop-10k": once("noop"),
            "merge-10k": once("merge"),
            "tree-15": once("tree"),
            "chain-100": chain,
            **{f"sleep-{ms}ms": once(f"sleep{ms}") for ms in (1, 10, 100)},
            "map-100k": once("mapped"),
            "jobs-5k": once("one", 30),
        },
    )
