"""A trained model becomes the shipped one."""

import hashlib

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import library
from SegMambaCore.model_file.safetensors_file import read_model, write_model
from SegMambaCore.network.build import build_network
from Training import ship
from Training.model_spec import model_spec

SUMMARY = """statistic,cases,mode,mirror,seconds,dice_WT_paper,dice_WT_brats2021
mean,10,onepass,none,0.5,0.90,0.91
mean_ci95_low,10,onepass,none,0.4,0.85,0.86
"""


@pytest.fixture
def box(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "old.safetensors").write_bytes(b"old")
    monkeypatch.setattr(ship, "WEIGHTS", folder)
    monkeypatch.setattr(library, "SHIPPED_FOLDER", folder)
    return folder


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    write_model(build_network("small", 4, 3), model_spec("sigmoid", training="2 cases"), path)
    return path


def test_the_shipped_model_is_found_checked_and_knows_its_figures(box, trained, tmp_path):
    summary = tmp_path / "summary.csv"
    summary.write_text(SUMMARY, encoding="utf-8")
    target = ship.ship(trained, "small-test", summary)

    assert [path.name for path in box.glob("*.safetensors")] == ["small-test.safetensors"]
    checksum, name = (box / "SHA256SUMS").read_text(encoding="utf-8").split()
    assert (checksum, name) == (hashlib.sha256(target.read_bytes()).hexdigest(), target.name)
    (entry,) = [entry for entry in library.list_models() if entry.shipped]
    assert (entry.name, entry.problem) == ("small-test", "")
    shipped, spec = read_model(target)
    figures = {"cases": "10", "seconds": "0.5", "dice_WT_brats2021": "0.91"}
    assert spec.figures["held_out"] == {"mean, onepass, mirrors none": figures}
    original, _ = read_model(trained)
    assert all(torch.equal(a, b) for a, b in zip(shipped.parameters(), original.parameters(), strict=True))


def test_a_missing_summary_leaves_the_old_weights(box, trained, tmp_path):
    with pytest.raises(SegMambaError, match="no summary"):
        ship.ship(trained, "small-test", tmp_path / "absent.csv")
    assert [path.name for path in box.iterdir()] == ["old.safetensors"]


def test_a_file_too_large_for_the_repository_leaves_the_old_weights(box, trained, tmp_path, monkeypatch):
    summary = tmp_path / "summary.csv"
    summary.write_text(SUMMARY, encoding="utf-8")
    monkeypatch.setattr(ship, "LARGEST_BYTES", 10**6)
    with pytest.raises(SegMambaError, match="more than the 1000000"):
        ship.ship(trained, "small-test", summary)
    assert [path.name for path in box.iterdir()] == ["old.safetensors"]
