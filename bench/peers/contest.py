"""What every peer's script shares: it is given names of rows, measures each, and prints one JSON line a row.

`run_NAME.py ROW...` prints {"ready": VERSION} once the peer is up and then, in the order asked for, one of
    {"row", "count", "seconds", "note"}            rates: count / seconds
    {"row", "count", "seconds", "stepMs", "note"}  chain-100: the median time from one step's start to the next one's
    {"row", "failed"}                              the peer's own words
on stdout; everything else goes to stderr. It ends, with all that it started, on SIGTERM and when its stdin is closed,
so that nothing outlives the bench even when that is killed.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
import traceback

PR_SET_CHILD_SUBREAPER = 36
"""Orphans of our children become ours, so that the last sweep finds them (prctl(2), Linux)."""
GRACE_SECONDS = 10
"""To stop in order, once nobody listens any more."""
SWEEPS = 20
SWEEP_PAUSE_SECONDS = 0.05
WORDS_MAX = 600
"""Of a failure: enough for the message, too little for a screen of stack frames."""

PLACE = tempfile.mkdtemp(prefix="weft-peer-", dir=os.environ.get("WEFT_PEER_FOLDER"))
"""For the peer's files, deleted at the end: on the disk that Weft's are on."""

AT_A_TIME = 64
"""Tasks under way at once, as in Weft's own rows: the cores never wait for a commit."""


def steps_ms(starts):
    """Seconds of the starts of a chain's steps, in any order -> the median distance, in milliseconds."""
    ordered = sorted(starts)
    return statistics.median(b - a for a, b in zip(ordered, ordered[1:])) * 1000


def tree(leaves_log2):
    """A binary reduction as (task, the two it needs), leaves first: 2 ** (leaves_log2 + 1) - 1 tasks."""
    level = list(range(2**leaves_log2))
    made = [(task, ()) for task in level]
    while len(level) > 1:
        above = range(len(made), len(made) + len(level) // 2)
        made += [(task, (level[2 * i], level[2 * i + 1])) for i, task in enumerate(above)]
        level = list(above)
    return made


def run(start, rows):
    """`start()` gives (version, stop); `rows` maps a row's name to a function that gives its line without `row`."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Libraries print where they like.
    leader = os.getpid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    atexit.register(_clean, leader)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    threading.Thread(target=_end_with_stdin, args=(leader,), daemon=True).start()
    say = lambda line: print(json.dumps(line), file=out, flush=True)

    version, stop = start()
    say({"ready": version})
    try:
        for name in sys.argv[1:]:
            try:
                say({"row": name, **rows[name]()})
            except Exception as error:
                traceback.print_exc()
                say({"row": name, "failed": f"{type(error).__name__}: {error}"[:WORDS_MAX]})
    finally:
        stop()
    out.close()


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _clean(leader):
    if os.getpid() == leader:
        _kill_descendants(leader)
        for _ in range(SWEEPS):  # A worker in this process may still be writing there.
            shutil.rmtree(PLACE, ignore_errors=True)
            if not os.path.exists(PLACE):
                return
            time.sleep(SWEEP_PAUSE_SECONDS)


def _end_with_stdin(leader):
    while os.read(0, 4096):
        pass
    os.kill(leader, signal.SIGTERM)
    # A peer's native code may not let Python see the signal.
    time.sleep(GRACE_SECONDS)
    _clean(leader)
    os._exit(143)


def _kill_descendants(root):
    """Kills until none is left: one that is killed may just have forked."""
    for _ in range(SWEEPS):
        found = _descendants(root)
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass
        time.sleep(SWEEP_PAUSE_SECONDS)


def _descendants(root):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found
