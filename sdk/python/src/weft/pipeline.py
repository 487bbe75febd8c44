"""Builds a pipeline with the keys and the meaning of weft.yaml (docs/pipelines.md)."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence, TypedDict, Union

from .value import Scalar


class Resources(TypedDict, total=False):
    """What is not named here is passed on as it is: the server knows all that weft.yaml may say."""

    cpus: Union[float, str]
    memory: Union[int, str]
    disk: Union[int, str]
    gpus: Union[float, str]
    gpuMemory: Union[int, str]


class Retries(TypedDict, total=False):
    limit: int
    backoff: str
    maxBackoff: str
    exitCodes: Sequence[int]


class Environment(TypedDict, total=False):
    """One of node, python and image."""

    node: str
    python: str
    pythonVersion: str
    image: str


class _Uri(TypedDict):
    uri: str


class Uri(_Uri, total=False):
    """Of an input. `digest`: what its bytes must be ("sha256:…"); `keep=False`: they are not put into the artifact store."""

    digest: str
    keep: bool


class Pipeline:
    """`Pipeline("hello").task("a", run="echo hello")`. `task` changes the pipeline and gives it back, so that calls can be chained."""

    def __init__(self, name: str, params: Mapping[str, Scalar] | None = None, **more: Any) -> None:
        self.name = name
        self._head: dict[str, Any] = {"pipeline": name, **({"params": dict(params)} if params else {}), **more}
        self._tasks: dict[str, dict[str, Any]] = {}

    def task(
        self,
        name: str,
        *,
        run: str | Sequence[str],
        needs: Sequence[str] | None = None,
        inputs: Mapping[str, str | Uri] | None = None,
        outputs: Mapping[str, str] | None = None,
        resources: Resources | None = None,
        map: Mapping[str, Sequence[Scalar]] | str | None = None,
        retries: Retries | int | None = None,
        timeout: str | None = None,
        env: Mapping[str, str] | None = None,
        files: Sequence[str] | None = None,
        environment: Environment | None = None,
        **more: Any,
    ) -> Pipeline:
        """
        `inputs`: "task.output", a data set ("dataset:flights@3") or a URI, by name. `more`: any other key of a task in weft.yaml (`when`,
        `stopGrace`, `nodes`, …); `if_` stands for `if`.
        """
        if name in self._tasks:
            raise ValueError(f'task "{name}" is there already; rename one')
        known = {
            "run": run if isinstance(run, str) else list(run),
            "needs": needs,
            "inputs": inputs,
            "outputs": outputs,
            "resources": resources,
            "map": map,
            "retries": retries,
            "timeout": timeout,
            "env": env,
            "files": files,
            "environment": environment,
            **{key.rstrip("_"): value for key, value in more.items()},
        }
        self._tasks[name] = {key: value for key, value in known.items() if value is not None}
        return self

    def to_text(self) -> str:
        """As weft.yaml, of which JSON is a part."""
        return json.dumps({**self._head, "tasks": self._tasks}, indent=2, ensure_ascii=False)
