"""What a task knows about itself, from the variables that Weft sets (docs/architecture.md)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional

from .error import WeftError
from .value import Scalar


class Names(Mapping[str, Any]):
    """Values by name. `learning-rate`, `learning_rate` and `LEARNING_RATE` are one name, as in the variables."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name.lower().replace("-", "_")]
        except KeyError:
            raise KeyError(f"{name}; there is {', '.join(self._values) or 'nothing'}") from None

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


@dataclass(frozen=True)
class TaskContext:
    id: str
    pipeline: str
    task: str
    index: int
    #: From 1; rises with each try.
    attempt: int
    #: Scalars. A variable is text, so a text that reads like a number, true, false or null arrives as one.
    params: Names
    #: Of this instance of a mapped task.
    map: Names
    #: Paths: a file or folder, or the folder that holds one entry an instance when the producer is mapped.
    inputs: Names
    #: Paths where the outputs are expected; the folders are there.
    outputs: Names
    #: What is left there by one attempt is there for the next; None: the task does not say `checkpoint: true`.
    checkpoint: Optional[Path]
    #: The machine of this task in a gang, from 0.
    rank: int
    world_size: int

    def set_result(self, value: Any) -> None:
        """Leaves a small JSON value for conditions, maps and `Task.result`."""
        Path(os.environ["WEFT_RESULT"]).write_text(json.dumps(value))


def job(environment: Mapping[str, str] = os.environ) -> TaskContext:
    """The task that this process belongs to. Errors: `failed_precondition` outside of one."""
    if "WEFT_JOB_ID" not in environment:
        raise WeftError("failed_precondition", "this process is no task of Weft: WEFT_JOB_ID is not set")
    checkpoint = environment.get("WEFT_CHECKPOINT")
    return TaskContext(
        id=environment["WEFT_JOB_ID"],
        pipeline=environment["WEFT_PIPELINE"],
        task=environment["WEFT_TASK"],
        index=int(environment["WEFT_INDEX"]),
        attempt=int(environment["WEFT_ATTEMPT"]),
        params=_named(environment, "WEFT_PARAM_", _scalar),
        map=_named(environment, "WEFT_MAP_", _scalar),
        inputs=_named(environment, "WEFT_INPUT_", Path),
        outputs=_named(environment, "WEFT_OUTPUT_", Path),
        checkpoint=Path(checkpoint) if checkpoint else None,
        rank=int(environment.get("NODE_RANK", "0")),
        world_size=int(environment.get("WORLD_SIZE", "1")),
    )


def _named(environment: Mapping[str, str], prefix: str, read: Any) -> Names:
    return Names({key[len(prefix) :].lower(): read(text) for key, text in environment.items() if key.startswith(prefix)})


def _scalar(text: str) -> Scalar:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, (bool, int, float)) else text
