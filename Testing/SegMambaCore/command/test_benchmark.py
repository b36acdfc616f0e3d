"""What the benchmark measures with; the figures themselves belong to no test."""

import sys

import pytest

from SegMambaCore.command import benchmark
from SegMambaCore.errors import SegMambaError


def test_a_process_is_timed_with_its_peak_memory():
    hungry = "import time; block = bytearray(b'1') * 300_000_000; time.sleep(0.3); del block; time.sleep(0.1)"
    seconds, gigabytes = benchmark._timed_process([sys.executable, "-c", hungry])
    assert 0.4 < seconds < 20
    assert 0.3 < gigabytes < 0.5


def test_a_failing_process_is_an_error():
    with pytest.raises(SegMambaError, match="exit code 3"):
        benchmark._timed_process([sys.executable, "-c", "raise SystemExit(3)"])
