"""Times, memory, rates and processes, measured where the answer is known."""

import time

import pytest
import torch

from SegMambaCore.benchmark.machine import CHAINS, EXPONENTIALS, measure_machine
from SegMambaCore.benchmark.processes import run_python
from SegMambaCore.benchmark.timing import peak_memory_gb, time_call, time_on_host
from SegMambaCore.errors import SegMambaError

from ..gpu.emulation import EmulatedProgram, needs_compiler


def test_the_median_is_not_moved_by_an_outlier_and_inputs_take_turns():
    numbers = []

    def call(number: int) -> None:
        numbers.append(number)
        time.sleep(0.3 if len(numbers) == 6 else 0.02)

    timing = time_call(call, "cpu")
    assert 20 <= timing.milliseconds < 100
    assert {0, 1} <= set(numbers)


def test_two_runs_and_their_spread():
    seconds = iter([0.1, 0.2])
    timing = time_on_host(lambda _: time.sleep(next(seconds)), "cpu")
    assert timing.milliseconds == pytest.approx(150, rel=0.3)
    assert timing.spread == pytest.approx(0.67, abs=0.25)


def test_peak_memory_is_that_of_the_call():
    def call() -> None:
        block = bytearray(b"1") * 300_000_000
        time.sleep(0.05)
        del block

    assert 0.25 < peak_memory_gb(call, "cpu") < 0.45


def test_rates_of_this_machine():
    machine = measure_machine("cpu", torch.float32)
    assert 1e8 < machine.copy_bytes < 1e13
    assert 1e8 < machine.matrix_operations < 1e15
    assert set(machine.for_json()) == {"dtype", "copy_gb_per_s", "matrix_tflops", "exponentials_g_per_s"}


@needs_compiler
def test_the_kernel_of_exponentials_takes_them_all():
    """Every chain tends to the x with x = 2^-x."""
    out = torch.zeros(64)
    EmulatedProgram(EXPONENTIALS, {"IO": 0}, None).kernel("exponentials").launch((2, 1, 1), 32, (out, 200))
    assert torch.allclose(out, torch.full((64,), CHAINS * 0.6411857), atol=1e-4)


def test_a_process_is_timed_with_its_memory_and_events():
    hungry = (
        "import json, time; print('no event'); block = bytearray(b'1') * 300_000_000; time.sleep(0.3);"
        "print(json.dumps({'event': 'phase', 'phase': 'read'}), flush=True); del block; time.sleep(0.3)"
    )
    finished = run_python(["-c", hungry])
    assert 0.6 < finished.seconds < 20
    assert 0.3 < finished.peak_gb < 0.5
    assert 0.3 < finished.first("phase", phase="read") < finished.seconds - 0.25
    with pytest.raises(SegMambaError, match="never told"):
        finished.first("phase", phase="write")


def test_a_failing_process_is_an_error_with_its_words():
    with pytest.raises(SegMambaError, match=r"exit code 3(.|\n)*because"):
        run_python(["-c", "import sys; print('because', file=sys.stderr); sys.exit(3)"])
