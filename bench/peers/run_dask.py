"""Dask: a scheduler and two worker processes on this machine; a task is a Python function, called in a worker."""

import importlib.metadata
import time

from contest import AT_A_TIME, run, steps_ms, timed, tree
from dask.delayed import delayed
from distributed import Client, LocalCluster, wait

WORKERS = 2
CHAIN_STEPS = 100


def noop(*_):
    return None


def start_time(_previous):
    return time.time()


def start():
    global client, cluster
    cluster, client = _open(threads=1)
    client.gather(client.map(noop, range(200), pure=False))

    def stop():
        client.close()
        cluster.close()

    return importlib.metadata.version("distributed"), stop


def _open(threads):
    made = LocalCluster(
        n_workers=WORKERS, threads_per_worker=threads, processes=True, dashboard_address=None, silence_logs=40
    )
    return made, Client(made)


def _drain(futures):
    wait(futures)
    failed = [future for future in futures if future.status != "finished"]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(futures)} tasks {failed[0].status}")


def independent(count):
    return lambda: _line(count, timed(lambda: _drain(client.map(noop, range(count), pure=False))))


def sleeps(count, seconds):
    """Threads for it: sleeping needs no interpreter."""

    def measure():
        made, sleeper = _open(threads=AT_A_TIME // WORKERS)
        with made, sleeper:
            work = lambda: _drain(sleeper.map(time.sleep, [seconds] * count, pure=False))
            return _line(count, timed(work), f"{AT_A_TIME // WORKERS} threads a worker")

    return measure


def _graph(count, build):
    """The graph is built before the clock starts, as Weft's pipeline is, and goes to the scheduler unfused."""
    root = build()
    return _line(count, timed(lambda: _drain([client.compute(root, optimize_graph=False)])))


def merge(count):
    lazy = delayed(noop, pure=False)
    return _graph(count + 1, lambda: lazy(*[lazy() for _ in range(count)]))


def tree_15():
    lazy, made = delayed(noop, pure=False), []
    for _, needs in tree(14):
        made.append(lazy(*[made[i] for i in needs]))
    return _graph(len(made), lambda: made[-1])


def chain():
    futures = []
    began = time.perf_counter()
    for step in range(CHAIN_STEPS):
        futures.append(client.submit(start_time, futures[-1] if step else None, pure=False))
    starts = client.gather(futures)
    return {**_line(CHAIN_STEPS, time.perf_counter() - began), "stepMs": steps_ms(starts)}


def jobs(count):
    work = lambda: _drain([client.submit(noop, pure=False) for _ in range(count)])
    return _line(count, timed(work), "a job is one submit()")


def _line(count, seconds, also=None):
    words = ["Python functions in warm workers", "no logs", "nothing durable", *([also] if also else [])]
    return {"count": count, "seconds": seconds, "note": ", ".join(words)}


if __name__ == "__main__":
    run(
        start,
        {
            "noop-10k": independent(10_000),
            "merge-10k": lambda: merge(10_000),
            "tree-15": tree_15,
            "chain-100": chain,
            **{f"sleep-{ms}ms": sleeps(10_000, ms / 1000) for ms in (1, 10, 100)},
            "map-100k": independent(100_000),
            "jobs-5k": lambda: jobs(5_000),
        },
    )
