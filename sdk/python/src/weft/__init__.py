"""Weft from Python: submit pipelines and follow them (`Client`), and what a task knows about itself (`job`)."""

from .client import Client
from .error import Issue, WeftError
from .job import Job, LogChunk, Output, Task
from .pipeline import Environment, Pipeline, Resources, Retries, Uri
from .task import TaskContext, job
from .value import Scalar

__all__ = [
    "Client",
    "Environment",
    "Issue",
    "Job",
    "LogChunk",
    "Output",
    "Pipeline",
    "Resources",
    "Retries",
    "Scalar",
    "Task",
    "TaskContext",
    "Uri",
    "WeftError",
    "job",
]
