"""pip's lines in words."""

from __future__ import annotations

import pytest
from SegMambaLib.packages.packageReport import PackageReport
from SegMambaLib.packages.pipMessages import progressLine, progressOption, reasonOfFailure

REPORT = PackageReport("C:/Slicer/site-packages", "3.12", {"pip": "25.0"}, {}, {}, ())


def test_a_download_with_percent() -> None:
    lines = ["Collecting torch>=2.4", "  Downloading torch-2.14.1-cp312-cp312-win_amd64.whl (124.1 MB)"]
    assert progressLine(lines) == "Downloading torch 2.14.1 (124.1 MB)"
    lines += ["Progress 0 of 124100000", "Progress 62050000 of 124100000"]
    assert progressLine(lines) == "Downloading torch 2.14.1 (124.1 MB), 50 %"
    assert (
        progressLine([*lines, "Installing collected packages: torch"])
        == "Installing collected packages: torch"
    )
    assert progressLine([]) == ""


@pytest.mark.parametrize(
    ("version", "option"), [("24.0", "off"), ("24.1", "raw"), ("26.3", "raw"), ("", "off")]
)
def test_only_newer_pips_know_the_raw_bar(version: str, option: str) -> None:
    report = PackageReport("", "", {"pip": version} if version else {}, {}, {}, ())
    assert progressOption(report) == ["--progress-bar", option]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        (
            "HINT: ... this system does not have Windows Long Path support enabled.",
            "short name",
        ),
        (
            "ERROR: ... an OSError: [WinError 5] Access is denied: 'c10.dll'",
            "may be in use",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('...",
            "cannot be reached",
        ),
        ("ERROR: No matching distribution found for torch>=2.4", r"No wheel of torch>=2.4 fits Python 3.12"),
        ("ERROR: Something unheard of", "Something unheard of"),
        ("", "without a word"),
    ],
)
def test_reasons(line: str, words: str) -> None:
    assert words in reasonOfFailure([line], REPORT, offline=False)
