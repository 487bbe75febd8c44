"""What a caller can act on; the same codes as everywhere in Weft."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import grpc

_CODES = {
    grpc.StatusCode.CANCELLED: "unavailable",
    grpc.StatusCode.INVALID_ARGUMENT: "invalid",
    grpc.StatusCode.DEADLINE_EXCEEDED: "unavailable",
    grpc.StatusCode.NOT_FOUND: "not_found",
    grpc.StatusCode.ALREADY_EXISTS: "conflict",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "too_large",
    grpc.StatusCode.FAILED_PRECONDITION: "failed_precondition",
    grpc.StatusCode.UNIMPLEMENTED: "failed_precondition",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DATA_LOSS: "corrupt",
}


@dataclass(frozen=True)
class Issue:
    """One thing wrong with what was sent: where in the pipeline, what, and what would be right."""

    path: tuple[str | int, ...]
    message: str


class WeftError(Exception):
    """`code`: invalid, not_found, conflict, too_large, failed_precondition, unavailable, disk_full, corrupt or internal."""

    def __init__(self, code: str, message: str, issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.issues = issues


def from_rpc(error: Any, address: str) -> WeftError:
    """The error of a call to `address`, in Weft's words where the server sent some."""
    trailers = {key: value for key, value in error.trailing_metadata() or ()}
    code = trailers.get("weft-code") or _CODES.get(error.code(), "internal")
    if isinstance(code, bytes):
        code = code.decode()
    issues = json.loads(trailers.get("weft-issues-bin", "[]"))
    message = str(error.details())
    if "weft-code" not in trailers and error.code() is grpc.StatusCode.UNAVAILABLE:
        message = f"no Weft server answers at {address}"
    return WeftError(code, message, tuple(Issue(tuple(issue["path"]), issue["message"]) for issue in issues))
