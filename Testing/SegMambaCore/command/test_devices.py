"""What the network can run on, as the panel asks for it."""

from __future__ import annotations

import json

import pytest
import torch

from SegMambaCore.command.main import main
from SegMambaCore.inference import device_list
from SegMambaCore.inference.device_list import list_devices


def test_the_answer_for_programs(capsys: pytest.CaptureFixture) -> None:
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["devices"][-1]["name"] == "cpu"
    assert found["devices"][-1]["memory_gb"] > 0.5
    assert found["automatic"] in [device["name"] for device in found["devices"]]
    assert 0.05 < found["cpu_seconds"]["small"] < found["cpu_seconds"]["tom"]


def test_the_answer_for_people(capsys: pytest.CaptureFixture) -> None:
    assert main(["devices"]) == 0
    text = capsys.readouterr().out
    assert "cpu: CPU (" in text and "(--device auto)" in text


def test_an_unused_card_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device_list.shutil, "which", lambda program: None)
    assert list_devices().cuda_problem is None
    monkeypatch.setattr(device_list.shutil, "which", lambda program: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "built without CUDA" in list_devices().cuda_problem
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "cannot use the NVIDIA driver" in list_devices().cuda_problem


def test_a_card_that_cannot_compute_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Old Card")
    monkeypatch.setattr(device_list, "_problem_with", lambda device: "no kernel image is available")
    found = list_devices()
    assert [device.name for device in found.devices] == ["cpu"]
    assert found.cuda_problem == "Old Card: no kernel image is available"
