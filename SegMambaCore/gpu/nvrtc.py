"""CUDA source, compiled and launched while the program runs: NVRTC comes with PyTorch, a compiler does not.

Both libraries, NVRTC and the driver, are called through ctypes, since PyTorch's own wrapper wants CUDA's headers,
which only a developer's computer has.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.kernel_cache import kept

_MOST_SHARED_BYTES = 8
"""The driver's CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES."""

Argument = Tensor | float | ctypes.Structure | None


class CudaProgram:
    """The kernels of one source file, compiled for one GPU."""

    def __init__(self, source: Path, macros: Mapping[str, int], device: int) -> None:
        """Compile and load. device: a CUDA device's index.

        Raises RuntimeError with the compiler's or the driver's words.
        """
        torch.cuda.init()
        self.device = device
        text = program_text(source)
        options = [f"--gpu-architecture={_architecture(device)}"]
        options += [f"-D{name}={value}" for name, value in macros.items()]
        image = kept(lambda: _compile(text, options), [_nvrtc_version(), *options, text])
        self._module = ctypes.c_void_p()
        with torch.cuda.device(device):
            torch.cuda.current_stream()  # makes PyTorch's context the current one
            torch.empty(1, device="cuda")
            _driver(_cuda().cuModuleLoadData(ctypes.byref(self._module), image))

    def kernel(self, name: str, shared_bytes: int = 0) -> CudaKernel:
        """Return a kernel declared `extern "C"`.

        shared_bytes: the most dynamic shared memory a block will ask for, where that is more than 48 kB.
        Raises RuntimeError where there is no such kernel, or the GPU has less memory.
        """
        function = ctypes.c_void_p()
        _driver(_cuda().cuModuleGetFunction(ctypes.byref(function), self._module, name.encode()))
        if shared_bytes:
            _driver(_cuda().cuFuncSetAttribute(function, _MOST_SHARED_BYTES, shared_bytes))
        return CudaKernel(self, function)


class CudaKernel:
    """A function to launch; it keeps its program loaded."""

    def __init__(self, program: CudaProgram, function: ctypes.c_void_p) -> None:
        self._program = program
        self._function = function

    def launch(
        self,
        grid: tuple[int, int, int],
        threads: int,
        arguments: Sequence[Argument],
        shared_bytes: int = 0,
    ) -> None:
        """Queue the kernel on the current stream of the program's device; the host does not wait.

        arguments: tensors as pointers (None a null pointer), ints and floats as 32-bit, structures by value.
        shared_bytes: dynamic shared memory a block; together with the kernel's own at most 48 kB, or what
            `CudaProgram.kernel` was told.
        Raises RuntimeError when the driver refuses.
        """
        values = c_values(arguments)
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        with torch.cuda.device(self._program.device):
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            _driver(
                _cuda().cuLaunchKernel(
                    self._function, *grid, threads, 1, 1, shared_bytes, stream, pointers, None
                )
            )


def _architecture(device: int) -> str:
    major, minor = torch.cuda.get_device_capability(device)
    # What only Hopper has (wgmma) asks for the letter.
    return "sm_90a" if (major, minor) == (9, 0) else f"sm_{major}{minor}"


@cache
def kernels_run_on(device: int) -> bool:
    """Whether kernels can be compiled and run on a CUDA device: a small one is tried once."""
    if torch.version.cuda is None:
        return False
    try:
        program = CudaProgram(Path(__file__).with_name("probe.cu"), {"IO": 0}, device)
        x = torch.zeros(32, device=f"cuda:{device}")
        program.kernel("probe").launch((1, 1, 1), 32, (x,))
        return bool((x == torch.arange(32, device=x.device)).all())
    except (RuntimeError, OSError):  # a missing library, a driver or a GPU too old
        return False


def kernels_work_on(x: Tensor) -> bool:
    """Whether kernels run on a tensor's device now; torch.compile, while it traces, is to see PyTorch's operators."""
    return x.device.type == "cuda" and not torch.compiler.is_compiling() and kernels_run_on(x.device.index)


def program_text(source: Path) -> str:
    """Return what is compiled: the number formats, then the file with what it includes from its folder."""
    formats = Path(__file__).with_name("formats.cuh")
    text = source.read_text(encoding="utf-8")
    for name in re.findall(r'^#include "(.+)"$', text, re.MULTILINE):
        text = text.replace(f'#include "{name}"', source.with_name(name).read_text(encoding="utf-8"))
    return formats.read_text(encoding="utf-8") + text


IO_OF = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
"""The macro IO of formats.cuh by a tensor's type."""


def c_values(arguments: Sequence[Argument]) -> list[Any]:
    """Return the arguments of a kernel as ctypes objects."""
    return [_c_value(argument) for argument in arguments]


def _c_value(argument: Argument) -> Any:
    if argument is None:
        return ctypes.c_void_p()
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return ctypes.c_int(argument) if isinstance(argument, int) else argument


def _compile(source: str, options: Sequence[str]) -> bytes:
    nvrtc, program = _nvrtc(), ctypes.c_void_p()
    _check_nvrtc(
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None)
    )
    try:
        encoded = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        if nvrtc.nvrtcCompileProgram(program, len(options), encoded):
            size = ctypes.c_size_t()
            _check_nvrtc(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
            log = ctypes.create_string_buffer(size.value)
            _check_nvrtc(nvrtc.nvrtcGetProgramLog(program, log))
            raise RuntimeError(log.value.decode(errors="replace"))
        size = ctypes.c_size_t()
        _check_nvrtc(nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)))
        image = ctypes.create_string_buffer(size.value)
        _check_nvrtc(nvrtc.nvrtcGetCUBIN(program, image))
        return image.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _nvrtc_version() -> str:
    """NVRTC knows no patch level of its own; PyTorch, which brings it, does."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check_nvrtc(_nvrtc().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return f"{major.value}.{minor.value} {torch.__version__}"


def _check_nvrtc(code: int) -> None:
    if code:
        _nvrtc().nvrtcGetErrorString.restype = ctypes.c_char_p
        raise RuntimeError(f"NVRTC: {_nvrtc().nvrtcGetErrorString(code).decode()}")


def _driver(code: int) -> None:
    if code:
        text = ctypes.c_char_p()
        _cuda().cuGetErrorString(code, ctypes.byref(text))
        raise RuntimeError(f"CUDA driver: {(text.value or b'unknown error').decode()} ({code})")


@cache
def _cuda() -> ctypes.CDLL:
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


@cache
def _nvrtc() -> ctypes.CDLL:
    """NVRTC as PyTorch brings it: beside its own libraries (Windows), or in NVIDIA's packages (Linux)."""
    torch_folder = Path(torch.__file__).resolve().parent
    if sys.platform == "win32":
        found = [path for path in torch_folder.glob("lib/nvrtc64_*.dll") if "builtins" not in path.name]
    else:
        found = [
            path
            for pattern in ("torch/lib/libnvrtc*.so*", "nvidia/*/lib/libnvrtc.so.*")
            for path in sorted(torch_folder.parent.glob(pattern))
            if "builtins" not in path.name and ".alt." not in path.name
        ]
    version = (torch.version.cuda or "").partition(".")[0]
    for candidate in [*map(str, found), f"libnvrtc.so.{version}"]:
        try:
            return ctypes.CDLL(candidate)
        except OSError:
            continue
    raise RuntimeError("NVRTC, CUDA's run-time compiler, was not found beside PyTorch.")
