"""What travels with a pipeline: the files of its folder, by digest (the rules are those of `weft submit`)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Optional

import pathspec

from .error import WeftError

NEVER = {".git", "node_modules", ".weft"}
#: Of all files together: code, not data. The same limit as `weft submit` has.
BYTES_MAX = 100_000_000
FILES_MAX = 50_000


@dataclass(frozen=True)
class PackedFolder:
    digest: str
    #: What is stored under `digest`.
    manifest: bytes
    #: Digest to the path of a file that has it.
    files: dict[str, Path]
    commit: str
    dirty: bool


def pack_folder(root: Path) -> PackedFolder:
    """Errors: `invalid`, naming the file; `too_large`."""
    ignored = _ignored(root)
    git = _Git(root)
    listed = git.paths if git.paths is not None else sorted(_walk(root, ""))
    paths = [path for path in listed if not NEVER.intersection(path.split("/")) and not ignored.match_file(path)]
    if len(paths) > FILES_MAX:
        raise WeftError("too_large", f"the folder {root} has {len(paths)} files; at most {FILES_MAX} can be submitted")
    files: dict[str, Path] = {}
    entries = []
    for path in paths:
        entries.append(_entry(root, path, files))
    total = sum(entry["bytes"] for entry in entries)
    if total > BYTES_MAX:
        raise WeftError("too_large", f"the folder {root} has {total} bytes; at most {BYTES_MAX} can be submitted. Name data in .weftignore")
    # By UTF-16 code units, as the server and its other clients sort.
    entries.sort(key=lambda entry: entry["path"].encode("utf-16-be", "surrogatepass"))
    manifest = json.dumps({"weft": "tree.v1", "files": entries}, separators=(",", ":"), ensure_ascii=False).encode()
    return PackedFolder(digest_of(manifest), manifest, files, git.commit, git.dirty)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _entry(root: Path, path: str, files: dict[str, Path]) -> dict[str, Any]:
    try:
        real = (root / path).resolve(strict=True)
        if root.resolve() not in real.parents:
            raise WeftError("invalid", f"{path} links to {real}, outside the folder {root}; copy it in, or leave it out")
        data = real.read_bytes()
        executable = bool(real.stat().st_mode & 0o100)
    except OSError as error:
        raise WeftError("invalid", f"{path} cannot be read: {error}; repair it, or name it in .weftignore") from error
    digest = digest_of(data)
    files[digest] = real
    return {"path": path, "digest": digest, "bytes": len(data), "executable": executable}


def _ignored(root: Path) -> pathspec.PathSpec[Any]:
    path = root / ".weftignore"
    lines = path.read_text().splitlines() if path.is_file() else []
    return pathspec.PathSpec.from_lines("gitwildmatch", lines)


def _walk(root: Path, folder: str) -> Iterator[str]:
    for entry in os.scandir(root / folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name in NEVER:
            continue
        if entry.is_dir():
            yield from _walk(root, path)
        else:
            yield path


class _Git:
    """`paths`: tracked files and untracked ones that are not ignored; None: the folder is in no work tree, or is ignored by it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.paths: Optional[list[str]] = None
        self.commit = ""
        self.dirty = False
        if self._run("rev-parse", "--is-inside-work-tree") != "true\n" or self._run("check-ignore", "-q", ".") is not None:
            return
        files = self._run("ls-files", "-co", "--exclude-standard", "-z")
        if files is None:
            return
        self.paths = sorted({path for path in files.split("\0") if path and (root / path).is_file()})
        self.commit = (self._run("rev-parse", "--verify", "-q", "HEAD") or "").strip()
        self.dirty = self._run("status", "--porcelain", "-z", "--", ".") != ""

    def _run(self, *arguments: str) -> Optional[str]:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(["git", *arguments], cwd=self._root, env=environment, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.decode(errors="surrogateescape")
