"""A report can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from SegMambaCore.report.read_report import read_report


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1}'])
def test_what_is_no_report(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content, encoding="utf-8")
    assert read_report(tmp_path / "report.json") is None
