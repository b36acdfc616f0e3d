"""The page, read as a browser reads it: by its own parser."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from SegMambaCore.batch.page import PageFiles, write_page
from SegMambaCore.report.statement import RESEARCH_USE_ONLY

from .outcomes import EVIL, make_outcomes


class _Reader(HTMLParser):
    """Rows of cell texts, addresses, and how many scripts there are."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.addresses: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")
        ]
        self.scripts += tag == "script"
        if tag == "tr":
            self.rows.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows:
            self.rows[-1] += f"{data} "


@pytest.fixture
def page(tmp_path: Path) -> _Reader:
    files = PageFiles("overview.png", "report.json", "summary.csv")
    write_page(make_outcomes(), tmp_path / "index.html", files, "tiny <1>", "2026-01-02 03:04")
    reader = _Reader()
    reader.feed((tmp_path / "index.html").read_text(encoding="utf-8"))
    return reader


def test_who_needs_attention_comes_first(page: _Reader) -> None:
    starts = [row.split()[0] for row in page.rows[1:]]
    assert starts == ["C", "D", "E", EVIL.split()[0], "B/2024-01-05"]


def test_names_and_reasons_are_text(page: _Reader) -> None:
    assert EVIL in page.text and "tiny <1>" in page.text and "T1 <lies> apart." in page.text
    assert page.scripts == 1  # the page's own


def test_volumes_and_statement(page: _Reader) -> None:
    (row,) = (row for row in page.rows if EVIL in row)
    assert "12.3 mL" in row and "2.0 mL" in row and "none found" in row
    assert RESEARCH_USE_ONLY in page.text


def test_links_stay_in_the_folder(page: _Reader) -> None:
    assert [unquote(address) for address in page.addresses] == [
        "summary.csv",
        f"{EVIL}/overview.png",
        f"{EVIL}/overview.png",
        f"{EVIL}/report.json",
    ]
    assert all(":" not in address for address in page.addresses)
