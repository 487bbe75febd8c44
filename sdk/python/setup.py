"""Makes weft/v1 from the repository's .proto files while the package is built, so that the two cannot differ."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent


def protos() -> Path:
    """A source distribution has them beside this file, the repository two folders up."""
    for folder in (HERE / "proto", HERE.parent.parent / "proto"):
        if (folder / "weft/v1/job.proto").is_file():
            return folder
    raise SystemExit("weft/v1/*.proto are in neither ./proto nor ../../proto; build from the repository or from an sdist")


class BuildMessages(build_py):
    def run(self) -> None:
        super().run()
        generate(Path(self.build_lib))


def generate(target: Path) -> None:
    import grpc_tools
    from grpc_tools import protoc

    source = protos()
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    (target / "weft/v1").mkdir(parents=True, exist_ok=True)
    arguments = ["protoc", f"-I{source}", f"-I{well_known}", f"--python_out={target}", f"--pyi_out={target}"]
    code = protoc.main(arguments + [str(path.relative_to(source)) for path in sorted(source.glob("weft/v1/*.proto"))])
    if code != 0:
        raise SystemExit(f"protoc ended with {code}")


class SourceDistribution(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        target = Path(base_dir, "proto/weft/v1")
        target.mkdir(parents=True, exist_ok=True)
        for path in protos().glob("weft/v1/*.proto"):
            shutil.copyfile(path, target / path.name)


setup(cmdclass={"build_py": BuildMessages, "sdist": SourceDistribution})
