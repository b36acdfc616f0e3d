"""Every benchmark runs on small sizes on a CPU and writes the figures it shows; the figures belong to no test."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from SegMambaCore.benchmark import case, network, scan, sizes, start
from SegMambaCore.benchmark.peers import PEERS, make_peers
from SegMambaCore.command.main import main
from Training import step_benchmark


def run(what: str, folder: Path, *options: str) -> dict[str, Any]:
    """Run a benchmark; return its JSON."""
    path = folder / "figures.json"
    assert main(["benchmark", what, "--device", "cpu", "--json", str(path), *options]) == 0
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert set(figures) == {"benchmark", "device", "torch", "date", "machine", "rows", "missing", "notes"}
    assert figures["benchmark"] == what
    assert "CPU" in figures["device"]
    assert figures["rows"]
    return figures


def test_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(scan, "STAGES", (scan.Stage(4, 40), scan.Stage(4, 40, softplus=False)))
    figures = run("scan", tmp_path, "--peers")
    assert [(row["back end"], row["softplus"]) for row in figures["rows"]] == [
        ("chunked", True),
        ("numba", True),
        ("chunked", False),
        ("numba", False),
    ]
    assert all(row["forward ms"] > 0 and row["x bound"] > 0 for row in figures["rows"])
    assert {row["back end"]: row["backward ms"] is not None for row in figures["rows"]} == {
        "chunked": True,
        "numba": False,
    }
    # What cannot run here is named, each with its reason.
    assert set(figures["missing"]) == {"cuda", "triton", "mamba_ssm", scan.PACKAGE}
    told = capsys.readouterr().out
    assert "missing: cuda: it needs a tensor on an NVIDIA GPU" in told
    assert "| chunked | 4 | 40 |" in told


def test_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "OURS", ("small",))
    figures = run("network", tmp_path, "--size", "16")
    (row,) = figures["rows"]
    assert (row["network"], row["how"], row["size"], row["parameters M"]) == (
        "small",
        "eager",
        "16 x 16 x 16",
        7.61,
    )
    assert row["bound ms"] > 0 and row["ms"] > 0 and row["x bound"] > 0
    assert figures["machine"]["copy_gb_per_s"] > 0


def test_peers_that_are_not_installed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import monai  # noqa: F401  whole, before parts of it are hidden

    modules = ("monai.networks.nets.mednext", "monai.networks.nets.swin_unetr")
    for module in (*modules, "dynamic_network_architectures.architectures.unet"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not there
    for module in ("mednext", "swin_unetr", "resenc"):
        monkeypatch.delitem(sys.modules, f"Training.networks.{module}", raising=False)
    monkeypatch.setattr(network, "OURS", ())
    figures = run("network", tmp_path, "--size", "16", "--peers")
    assert set(figures["missing"]) == {"SwinUNETR", "MedNeXt-B", "nnU-Net ResEnc M"}
    assert [row["network"] for row in figures["rows"]] == ["SegResNet, 16 filters", "SegResNet, 32 filters"]
    assert figures["rows"][0]["x SegResNet, 16 filters"] == 1


def test_peers_of_an_installation_without_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Training.networks.registry", None)
    missing: dict[str, str] = {}
    assert list(make_peers(missing)) == []
    assert set(missing) == set(PEERS)
    assert all("checkout" in reason for reason in missing.values())


def test_cost_against_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "OURS", ("small",))
    monkeypatch.setattr(sizes, "SIZES", ((32, 32, 32), (48, 48, 32), (9000, 9000, 9000)))
    plot = tmp_path / "sizes.png"
    figures = run("network", tmp_path, "--sizes", "--plot", str(plot))
    assert [row["size"] for row in figures["rows"]] == ["32 x 32 x 32", "48 x 48 x 32"]
    assert len(figures["notes"]) == 1
    assert "small, 9000 x 9000 x 9000: left out, it needs about" in figures["notes"][0]
    assert Image.open(plot).size[0] > 800


def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_benchmark, "OURS", ("small",))
    (row,) = run("training", tmp_path, "--size", "16")["rows"]
    assert (row["network"], row["batch"], row["patch"]) == ("small", 2, "16 x 16 x 16")
    assert row["bound ms"] > 0 and row["ms"] > 0 and row["x bound"] > 0


@pytest.mark.slow
def test_case(
    tmp_path: Path, tiny_case: dict[str, Path], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "COLD_STARTS", 1)
    monkeypatch.setattr(case, "PATIENTS", 2)
    folder = tiny_case["t1c"].parent
    figures = run("case", tmp_path, "--folder", str(folder), "--model", str(tiny_model))
    assert [row["what"] for row in figures["rows"]] == [
        "segment, cold process, files to files",
        "batch of 2, whole command, a patient",
        "batch, a later patient",
        "batch, from one patient to the next",
        "small, onepass, mirror none, volumes to regions on the host",
    ]
    assert all(row["seconds"] > 0 for row in figures["rows"])


@pytest.mark.slow
def test_start(tmp_path: Path, tiny_case: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "RUNS", 1)
    rows = run("start", tmp_path, "--folder", str(tiny_case["t1c"].parent))["rows"]
    seconds = {row["what"]: row["seconds after the process began"] for row in rows}
    ready, first_step, end = list(seconds.values())[-3:]
    assert 0 < seconds["import: Python itself"] < seconds["import: PyTorch"]
    assert 0 < ready < first_step < end


def test_options_that_do_not_belong_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["scan", "--sizes"], ["network", "--plot", "x.png"], ["network", "--size", "0"]):
        with pytest.raises(SystemExit):
            main(["benchmark", *options])
        assert "benchmark: --" in capsys.readouterr().err
    assert main(["benchmark", "scan", "--device", "cpu", "--memory-gb", "4"]) == 1
    assert "--memory-gb limits a GPU's memory" in capsys.readouterr().err
