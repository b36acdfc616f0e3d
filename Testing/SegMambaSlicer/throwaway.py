"""Python environments to spoil, and wheels to install in them, made in a moment and without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pip
from SegMambaLib.packages.installState import InstallState
from SegMambaLib.packages.neededPackages import neededPackage
from SegMambaLib.packages.packageInstallation import PackageInstallation
from SegMambaLib.packages.torchBuild import TorchBuild
from SegMambaLib.run.program import Program

NEEDED = [neededPackage("torch>=2.4"), neededPackage("pynrrd>=1.1")]
NRRD = {"nrrd/__init__.py": ""}
CPU = TorchBuild("cpu", "PyTorch for the CPU only", "")


class Environment:
    """A virtual environment with pip in it and nothing else, and an index of wheels in a folder."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "python")], check=True)
        self.python = folder / "python" / "bin" / "python"
        (self.site,) = (folder / "python" / "lib").glob("python3*/site-packages")
        source = Path(pip.__file__).parent
        shutil.copytree(source, self.site / "pip")
        for metadata in source.parent.glob("pip-*.dist-info"):
            shutil.copytree(metadata, self.site / metadata.name)
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.index = folder / "index"
        self.index.mkdir()
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

    @property
    def program(self) -> Program:
        """The environment's Python, with the folder `index` as the package index."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        return Program(
            str(self.python),
            {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": self.index.as_uri(), "PIP_RETRIES": "1"},
        )

    def publish(self, name: str, version: str, **contents: object) -> Path:
        """Put a wheel into the index."""
        folder = self.index / name
        folder.mkdir(exist_ok=True)
        path = makeWheel(folder, name, version, **contents)  # type: ignore[arg-type]
        links = "".join(f'<a href="{wheel.name}">{wheel.name}</a>\n' for wheel in folder.glob("*.whl"))
        (folder / "index.html").write_text(links, encoding="utf-8")
        return path

    def install(self, name: str, version: str, **contents: object) -> None:
        """Install a package beforehand, as another extension may have done."""
        wheel = makeWheel(self.temporary, name, version, **contents)  # type: ignore[arg-type]
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)
        wheel.unlink()

    def installed(self) -> dict[str, str]:
        """Version by name, as the folder's metadata say."""
        stems = (path.name.removesuffix(".dist-info") for path in self.site.glob("[!~]*.dist-info"))
        pairs = (stem.rsplit("-", 1) for stem in stems)
        return {name.replace("_", "-"): version for name, version in pairs if name != "pip"}

    def publish_slowly_installed_torch(self) -> None:
        """Put a torch into the index whose 200 files take two seconds to write: time to cancel in between."""
        files = {f"torch/part{number}.py": "x = 1\n" for number in range(200)}
        self.publish("torch", "2.6", files={"torch/__init__.py": "import torch.part199\n", **files})
        (self.site / "sitecustomize.py").write_text(_SLOW_UNZIPPING, encoding="utf-8")

    def imports(self, module: str) -> bool:
        return self.runs(f"import {module}")

    def runs(self, code: str) -> bool:
        done = subprocess.run([str(self.python), "-c", code], capture_output=True, check=False, cwd="/")
        return done.returncode == 0


_SLOW_UNZIPPING = """
import time, zipfile
_open = zipfile.ZipFile.open
def open_slowly(*arguments, **options):
    time.sleep(0.01)
    return _open(*arguments, **options)
zipfile.ZipFile.open = open_slowly
"""


def publish_all(environment: Environment) -> None:
    """Publish what is needed."""
    environment.publish("torch", "2.6", requires=["shared>=1"])
    environment.publish("pynrrd", "1.1.3", files=NRRD)
    environment.publish("shared", "1.0")
    environment.publish("shared", "1.5")


def attempt(environment: Environment, wheels: Path | None = None, **options: Any) -> PackageInstallation:
    """Begin to look for what is needed."""
    return PackageInstallation(NEEDED, environment.program, CPU, environment.temporary, wheels, **options)


def makeWheel(
    folder: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel. files: text by path; None for one module of the package's name."""
    stem = f"{name.replace('-', '_')}-{version}"
    contents = dict(files or {f"{name.replace('-', '_')}/__init__.py": f"__version__ = {version!r}\n"})
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    contents[f"{stem}.dist-info/METADATA"] = "\n".join(lines) + "\n"
    contents[f"{stem}.dist-info/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    record = [f"{path},{_digest(text)},{len(text.encode())}" for path, text in contents.items()]
    contents[f"{stem}.dist-info/RECORD"] = "\n".join([*record, f"{stem}.dist-info/RECORD,,"]) + "\n"
    wheel = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return wheel


def wait(installation: PackageInstallation, *until: InstallState, seconds: float = 60) -> InstallState:
    """Poll until it is over, or in one of these states."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = installation.poll()
        if state.isOver or state in until:
            return state
        time.sleep(0.02)
    raise AssertionError(f"still {installation.state}: {installation.details}")


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
