"""The client of a Weft server."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Iterator, Mapping, Optional, Union

import grpc

from .artifacts import Artifacts
from .error import WeftError, from_rpc
from .folder import pack_folder
from .job import ENDED, Job, LogChunk, Output, job_of
from .pipeline import Pipeline
from .v1 import cluster_pb2, job_pb2
from .value import Scalar, to_value

#: Seconds. Reading what is there takes milliseconds; beyond this the server hangs.
QUERY_DEADLINE_S = 10
#: A job of 10,000 tasks is checked and committed within one call.
SUBMIT_DEADLINE_S = 60
#: A server's restart takes seconds; a stream that was begun goes on within this time after the last word.
RESUME_S = 60
RESUME_PAUSE_S = 0.5
#: As much as the server takes and sends.
MESSAGE_BYTES_MAX = 16 << 20

Source = Union[Pipeline, str, "os.PathLike[str]"]


class Client:
    """`Client("127.0.0.1:8081")`; without an address, the one in WEFT_SERVER. Failures are WeftErrors. Also a context manager."""

    def __init__(self, address: str | None = None) -> None:
        self.address = address or os.environ.get("WEFT_SERVER", "127.0.0.1:8081")
        options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.max_send_message_length", MESSAGE_BYTES_MAX)]
        self._channel = grpc.insecure_channel(self.address, options=options)
        self._artifacts: Optional[Artifacts] = None

    def submit(
        self,
        pipeline: Source,
        *,
        params: Mapping[str, Scalar] | None = None,
        priority: int | None = None,
        project: str = "",
        idempotency_key: str = "",
        folder: str | os.PathLike[str] | None = None,
    ) -> str:
        """
        Accepts the job, whole or not at all, and gives its id.

        `pipeline`: the path of a weft.yaml, whose folder travels with it, or a Pipeline, with which `folder` travels if it
        is given. `params` go over the pipeline's own. The same `idempotency_key` gives the same job.
        Errors: `invalid` with issues, `too_large`, `unavailable`.
        """
        if isinstance(pipeline, Pipeline):
            text, name = pipeline.to_text(), pipeline.name
        else:
            path = Path(pipeline)
            path = path / "weft.yaml" if path.is_dir() else path
            text, name = path.read_text(), path.name
            folder = folder if folder is not None else path.parent
        read = job_pb2.ReadPipelineRequest(text=text, file_name=name)
        spec = self._unary("JobService/ReadPipeline", read, job_pb2.ReadPipelineResponse, SUBMIT_DEADLINE_S).pipeline
        # With a key of its own the call can be made again when its answer was lost, and there is still one job.
        request = job_pb2.SubmitRequest(pipeline=spec, project=project, idempotency_key=idempotency_key or str(uuid.uuid4()))
        for key, value in (params or {}).items():
            request.params[key].CopyFrom(to_value(value))
        if priority is not None:
            request.priority = priority
        if folder is not None:
            packed = pack_folder(Path(folder))
            self._store().put_folder(packed)
            request.code.CopyFrom(job_pb2.Code(digest=packed.digest, commit=packed.commit, dirty=packed.dirty))
        call = lambda: self._unary("JobService/Submit", request, job_pb2.SubmitResponse, SUBMIT_DEADLINE_S)  # noqa: E731
        return str(_again(call).job_id)

    def job(self, job_id: str) -> Job:
        """As it stands; of a job of more than 30,000 instances only those that have run. Errors: `not_found`."""
        request = job_pb2.GetJobRequest(job_id=job_id)
        whole = page = self._unary("JobService/Get", request, job_pb2.Job)
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = self._unary("JobService/Get", request, job_pb2.Job)
            whole.tasks.extend(page.tasks)
        return job_of(whole)

    def jobs(self, *, limit: int = 50, states: tuple[str, ...] = (), pipeline: str = "") -> list[Job]:
        """Newest first, without their tasks; at most 1000."""
        request = job_pb2.ListJobsRequest(limit=limit, states=states, pipeline=pipeline)
        return [job_of(job) for job in self._unary("JobService/List", request, job_pb2.ListJobsResponse).jobs]

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Waits until the job has ended, at most `timeout` seconds (then TimeoutError); the job goes on in any case."""
        until = None if timeout is None else time.monotonic() + timeout
        request = job_pb2.WatchJobRequest(job_id=job_id)
        try:
            for event in self._resuming("JobService/Watch", request, job_pb2.JobEvent, until):
                if event.HasField("job") and event.job.state in ENDED:
                    break
        except WeftError:
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"job {job_id} has not ended within {timeout} s") from None
            raise
        return self.job(job_id)

    def logs(
        self,
        job_id: str,
        task: str = "",
        *,
        index: int | None = None,
        attempt: int = 0,
        follow: bool = False,
    ) -> Iterator[LogChunk]:
        """Log bytes in order for each attempt and stream, each byte once; with `follow`, until the job ends."""
        request = job_pb2.LogsRequest(job_id=job_id, task=task, index=index, attempt=attempt, follow=follow)
        ends: dict[tuple[str, int, int, str], int] = {}
        for chunk in self._resuming("JobService/Logs", request, job_pb2.LogChunk, None, ends_in_order=True):
            key = (chunk.task, chunk.index, chunk.attempt, chunk.stream)
            offset = int(chunk.offset)
            # After a lost connection a stream is read again from its beginning.
            skip = max(0, ends.get(key, 0) - offset)
            if skip >= len(chunk.data):
                continue
            ends[key] = offset + len(chunk.data)
            yield LogChunk(*key, offset=offset + skip, data=chunk.data[skip:])

    def results(self, job_id: str) -> dict[str, Any]:
        """What tasks wrote to $WEFT_RESULT: a value a task, or, for one with several instances, a list by index."""
        by_task: dict[str, dict[int, Any]] = {}
        for task in self.job(job_id).tasks:
            by_task.setdefault(task.name, {})[task.index] = task.result
        return {
            name: values[0] if len(values) == 1 else [values[index] for index in sorted(values)]
            for name, values in by_task.items()
            if any(value is not None for value in values.values())
        }

    def outputs(self, job_id: str, task: str, index: int = 0) -> dict[str, Output]:
        return self.job(job_id).task(task, index).outputs

    def download(self, job_id: str, task: str, output: str, to: str | os.PathLike[str], index: int = 0) -> Path:
        """Brings an output to the path `to`, a file or a folder as it is one. Checked against its digest. Errors: `not_found`."""
        found = self.outputs(job_id, task, index).get(output)
        if found is None:
            raise WeftError("not_found", f'task {task}[{index}] of job {job_id} has no output "{output}"')
        path = Path(to)
        if found.kind == "tree":
            self._store().save_tree(found.digest, path)
        else:
            self._store().save(found.digest, path)
        return path

    def cancel(self, job_id: str, reason: str = "") -> str:
        """Asks for the job to be stopped; gives the state it had then."""
        request = job_pb2.CancelJobRequest(job_id=job_id, reason=reason)
        return str(self._unary("JobService/Cancel", request, job_pb2.CancelJobResponse).state)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _store(self) -> Artifacts:
        if self._artifacts is None:
            info = self._unary("ClusterService/Info", cluster_pb2.InfoRequest(), cluster_pb2.InfoResponse)
            host = self.address.rsplit(":", 1)[0]
            self._artifacts = Artifacts(f"http://{host}:{info.http_port}")
        return self._artifacts

    def _unary(self, method: str, request: Any, response: Any, deadline: float = QUERY_DEADLINE_S) -> Any:
        call = self._channel.unary_unary(
            f"/weft.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        try:
            return call(request, timeout=deadline)
        except grpc.RpcError as error:
            raise from_rpc(error, self.address) from error

    def _resuming(
        self, method: str, request: Any, response: Any, until: float | None, ends_in_order: bool = False
    ) -> Iterator[Any]:
        """Streams one after the other; a lost one is followed by another, if any had begun."""
        stream = self._channel.unary_stream(
            f"/weft.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        heard: Optional[float] = None
        while True:
            try:
                for message in stream(request, timeout=None if until is None else max(0.0, until - time.monotonic())):
                    heard = time.monotonic()
                    yield message
                if ends_in_order:
                    return
                heard = time.monotonic()
            except grpc.RpcError as error:
                failure = from_rpc(error, self.address)
                late = until is not None and time.monotonic() >= until
                # A stream that never began is an error of the caller's: a wrong address, most likely.
                if failure.code != "unavailable" or late or heard is None or time.monotonic() - heard > RESUME_S:
                    raise failure from error
            time.sleep(RESUME_PAUSE_S)


def _again(call: Callable[[], Any]) -> Any:
    """Once more after an answer that did not come: the call must be safe to repeat."""
    try:
        return call()
    except WeftError as error:
        if error.code != "unavailable":
            raise
        time.sleep(RESUME_PAUSE_S)
        return call()
