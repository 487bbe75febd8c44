"""The server's artifact store over HTTP: bytes by digest (docs/architecture.md)."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterable

from .error import WeftError
from .folder import PackedFolder

TIMEOUT_S = 60
CHUNK_BYTES = 1 << 20
#: Digests asked for in one request.
BATCH = 10_000


class Artifacts:
    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def put_folder(self, packed: PackedFolder) -> None:
        """Files first, so that a manifest that is there has its files there too."""
        missing = set(self._missing([*packed.files, packed.digest]))
        for digest, path in packed.files.items():
            if digest in missing:
                self._put(digest, path.read_bytes())
        if packed.digest in missing:
            self._put(packed.digest, packed.manifest)

    def read(self, digest: str) -> bytes:
        with self._open(digest) as response:
            data: bytes = response.read()
        _check(digest, hashlib.sha256(data).hexdigest())
        return data

    def save(self, digest: str, path: Path, executable: bool = False) -> None:
        """The file whole and checked, or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        found = hashlib.sha256()
        try:
            with self._open(digest) as response, part.open("wb") as file:
                while chunk := response.read(CHUNK_BYTES):
                    found.update(chunk)
                    file.write(chunk)
            _check(digest, found.hexdigest())
            part.chmod(0o755 if executable else 0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def save_tree(self, digest: str, folder: Path) -> None:
        manifest = json.loads(self.read(digest))
        folder.mkdir(parents=True, exist_ok=True)
        for file in manifest["files"]:
            if file["path"].startswith("/") or ".." in file["path"].split("/"):
                raise WeftError("corrupt", f"the folder {digest} holds the path {file['path']!r}, which leads out of it")
            self.save(file["digest"], folder / file["path"], file["executable"])

    def _missing(self, digests: Iterable[str]) -> list[str]:
        wanted = list(digests)
        missing: list[str] = []
        for start in range(0, len(wanted), BATCH):
            body = json.dumps({"digests": wanted[start : start + BATCH]}).encode()
            request = self._request("POST", "/v1/artifacts/missing", body, "application/json")
            with self._send(request, "ask which artifacts are missing") as response:
                missing += json.load(response)["missing"]
        return missing

    def _put(self, digest: str, data: bytes) -> None:
        request = self._request("PUT", f"/v1/artifacts/{digest}", data, "application/octet-stream")
        self._send(request, f"store artifact {digest}").close()

    def _open(self, digest: str):  # type: ignore[no-untyped-def]
        return self._send(self._request("GET", f"/v1/artifacts/{digest}"), f"fetch artifact {digest}")

    def _request(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> urllib.request.Request:
        headers = {"content-type": kind} if kind else {}
        return urllib.request.Request(self._base_url + path, data=body, method=method, headers=headers)

    def _send(self, request: urllib.request.Request, doing: str):  # type: ignore[no-untyped-def]
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            code = {404: "not_found", 400: "invalid", 507: "disk_full"}.get(error.code, "unavailable")
            raise WeftError(code, f"cannot {doing}: {self._base_url} answered {error.code}") from error
        except OSError as error:
            raise WeftError("unavailable", f"cannot {doing}: {self._base_url} does not answer ({error})") from error


def _check(digest: str, found: str) -> None:
    if digest != f"sha256:{found}":
        raise WeftError("corrupt", f"artifact {digest} arrived as sha256:{found}")
