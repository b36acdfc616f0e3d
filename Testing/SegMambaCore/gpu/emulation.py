"""SegMamba's CUDA kernels on a CPU: compiled by g++, lanes taking turns, started by the same Python code."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import SegMambaCore
from SegMambaCore.gpu import nvrtc
from SegMambaCore.inference import cuda_patches
from SegMambaCore.network import cuda_conv3, cuda_layer_norm, cuda_norm
from SegMambaCore.scan import cuda_directions, cuda_scan

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="needs g++ to compile the kernels for the CPU"
)

_FOLDER = TemporaryDirectory()
_CACHES = [
    cuda_patches._compiled,
    cuda_scan._compiled,
    cuda_scan._compiled_gradients,
    cuda_norm._compiled,
    cuda_norm._program,
    cuda_layer_norm._compiled,
    cuda_layer_norm._program,
    cuda_conv3._compiled,
    cuda_conv3._program,
    cuda_directions._compiled,
    cuda_directions._program,
]


class EmulatedProgram:
    """In place of `CudaProgram`."""

    def __init__(self, source: Path, macros: dict[str, int], device: int | None) -> None:
        self.library = _library(source, tuple(f"-D{name}={value}" for name, value in macros.items()))

    def kernel(self, name: str, shared_bytes: int = 0) -> EmulatedKernel:
        return EmulatedKernel(self.library, name)


class EmulatedKernel:
    """In place of `CudaKernel`."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.library, self.name = library, name

    def launch(self, grid, threads, arguments, shared_bytes=0) -> None:
        values = nvrtc.c_values(arguments)
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        assert self.library.launch(self.name.encode(), *grid, threads, shared_bytes, pointers) == 0


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the emulated kernels where the CUDA programs would be."""
    for module in (cuda_patches, cuda_scan, cuda_norm, cuda_layer_norm, cuda_conv3, cuda_directions):
        monkeypatch.setattr(module, "CudaProgram", EmulatedProgram)
    monkeypatch.setattr(cuda_conv3, "_multiprocessors", lambda device: 2)
    monkeypatch.setattr(cuda_conv3, "_is_hopper", lambda device: False)
    monkeypatch.setattr(cuda_conv3, "_most_shared_bytes", lambda device: 227 * 1024)
    for of_programs in _CACHES:
        of_programs.cache_clear()
    yield
    for of_programs in _CACHES:
        of_programs.cache_clear()


@cache
def _library(source: Path, macros: tuple[str, ...]) -> ctypes.CDLL:
    kernels = re.findall(
        r"__global__.*?(\w+)\(\s*(?:const )?(?:Io|float)\*", source.read_text(encoding="utf-8")
    )
    listed = " ".join(f"KERNEL({kernel})" for kernel in kernels)
    path = Path(_FOLDER.name) / f"{source.stem}{''.join(macros)}.so"
    package = Path(SegMambaCore.__file__).parent
    command = [
        "g++",
        "-std=c++20",
        "-O1",
        "-shared",
        "-fPIC",
        "-w",
        f"-I{package / 'gpu'}",
        f"-I{Path(__file__).parent}",
        *macros,
    ]
    command += [f'-DEMULATED_SOURCE="{source}"', f"-DEMULATED_KERNELS={listed}"]
    command += [str(Path(__file__).with_name("emulated.cpp")), "-o", str(path)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(path))
