"""A job as it stands, its tasks and what they left. Times are seconds since the epoch; None: not yet."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Optional

from .v1 import job_pb2
from .value import Scalar, from_values

ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Output:
    name: str
    digest: str
    #: Of the file, or of all files of the folder together.
    bytes: int
    #: "file" or "tree" (a folder).
    kind: str
    file_name: str


@dataclass(frozen=True)
class Task:
    """One instance of a task."""

    name: str
    index: int
    #: pending, ready, assigned, running, succeeded, failed, cancelled or skipped.
    state: str
    #: 0: none yet.
    attempt: int
    node: str
    started_at: Optional[float]
    finished_at: Optional[float]
    exit_code: Optional[int]
    reason: str
    message: str
    map: dict[str, Scalar]
    outputs: dict[str, Output]
    #: What it wrote to $WEFT_RESULT; None: nothing, or more than 4 KiB (then it is the output "result").
    result: Any


@dataclass(frozen=True)
class Job:
    id: str
    pipeline: str
    #: pending, running, succeeded, failed or cancelled.
    state: str
    reason: str
    params: dict[str, Scalar]
    submitted_at: float
    started_at: Optional[float]
    finished_at: Optional[float]
    tasks: list[Task] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def task(self, name: str, index: int = 0) -> Task:
        for task in self.tasks:
            if task.name == name and task.index == index:
                return task
        raise KeyError(f"job {self.id} has no task {name}[{index}]; it has {sorted({task.name for task in self.tasks})}")


@dataclass(frozen=True)
class LogChunk:
    task: str
    index: int
    attempt: int
    #: "stdout" or "stderr".
    stream: str
    #: Of the first byte, in this stream of this attempt.
    offset: int
    data: bytes


def _seconds(ms: float) -> Optional[float]:
    return ms / 1000 if ms else None


def task_of(message: job_pb2.Task) -> Task:
    outputs = (Output(o.name, o.digest, int(o.bytes), o.kind, o.file_name) for o in message.outputs)
    return Task(
        name=message.name,
        index=message.index,
        state=message.state,
        attempt=message.attempt,
        node=message.node,
        started_at=_seconds(message.started_at_ms),
        finished_at=_seconds(message.finished_at_ms),
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        reason=message.reason,
        message=message.message,
        map=from_values(message.map),
        outputs={output.name: output for output in outputs},
        result=json.loads(message.result) if message.result else None,
    )


def job_of(message: job_pb2.Job) -> Job:
    return Job(
        id=message.id,
        pipeline=message.pipeline,
        state=message.state,
        reason=message.reason,
        params=from_values(message.params),
        submitted_at=message.submitted_at_ms / 1000,
        started_at=_seconds(message.started_at_ms),
        finished_at=_seconds(message.finished_at_ms),
        tasks=[task_of(task) for task in message.tasks],
    )
