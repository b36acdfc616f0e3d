"""A model file gives back what was written, and nothing else passes for one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.safetensors_file import read_model, write_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.network.build import build_network

SPEC = ModelSpec(
    name="test",
    network="small",
    channels=("t1n", "t1c", "t2w", "t2f"),
    spacing=(1.0, 1.0, 1.0),
    orientation="LPS",
    normalisation="zscore_brain",
    activation="sigmoid",
    outputs=("WT", "TC", "ET"),
    figures={"dice": {"WT": 0.9}},
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "test.safetensors"
    write_model(build_network("small", 4, 3), SPEC, path)
    return path


def test_round_trip_is_exact_to_fp16(written: Path) -> None:
    torch.manual_seed(0)
    expected = build_network("small", 4, 3).state_dict()
    network, spec = read_model(written)
    assert spec == SPEC
    assert not network.training
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected[name].half().float()), name


def test_the_file_is_small_and_plain_safetensors(written: Path) -> None:
    assert written.stat().st_size < 20e6
    assert {tensor.dtype for tensor in load_file(written).values()} == {torch.float16}
    assert list(written.parent.iterdir()) == [written]


def test_the_checksum_is_that_of_the_spec_the_table_and_the_bytes(written: Path) -> None:
    data = written.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    table = json.loads(data[8:end])
    metadata = table.pop("__metadata__")
    covered = metadata["spec"].encode() + json.dumps(table, sort_keys=True).encode() + data[end:]
    assert metadata["sha256"] == hashlib.sha256(covered).hexdigest()


def _with_table(data: bytes, change: Callable[[dict], None]) -> bytes:
    """The file with another table of tensors in its header, its bytes as they were."""
    end = 8 + int.from_bytes(data[:8], "little")
    table = json.loads(data[8:end])
    change(table)
    header = json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + data[end:]


def test_exchanged_tensors_are_noticed(written: Path, tmp_path: Path) -> None:
    def exchange(table: dict) -> None:
        a, b = (table[f"vit.stages.0.0.mamba.{name}"] for name in ("A_log", "A_b_log"))
        a["data_offsets"], b["data_offsets"] = b["data_offsets"], a["data_offsets"]

    path = tmp_path / "exchanged.safetensors"
    path.write_bytes(_with_table(written.read_bytes(), exchange))
    with pytest.raises(SegMambaError, match="checksum"):
        read_model(path)


def test_the_spec_is_read_from_the_header_alone(written: Path, tmp_path: Path) -> None:
    data = written.read_bytes()
    head = tmp_path / "head.safetensors"
    head.write_bytes(data[: 8 + int.from_bytes(data[:8], "little")])
    assert read_spec(head) == SPEC


def _flip_a_bit(data: bytes) -> bytes:
    return data[:-1000] + bytes([data[-1000] ^ 1]) + data[-999:]


def _alter_the_spec(data: bytes) -> bytes:
    """Exchange two channels: a sound description, but not the one that was trained."""
    return data.replace(b't1c\\", \\"t2w', b't2w\\", \\"t1c', 1)


@pytest.mark.parametrize("read", [read_model, read_spec])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "not a safetensors file"),
        (lambda data: b"garbage " * 100, "not a safetensors file"),
        (lambda data: data[:5000], "not a safetensors file"),
        (lambda data: (2).to_bytes(8, "little") + b"[]" + data, "not a safetensors file"),
        (lambda data: (12).to_bytes(8, "little") + b'{"weight":3}' + data, "not a safetensors file"),
    ],
)
def test_what_is_no_model_file(
    written: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    message: str,
    read: Callable[[Path], object],
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(damage(written.read_bytes()))
    with pytest.raises(SegMambaError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"x", "damaged"),
        (_flip_a_bit, "checksum"),
        (_alter_the_spec, "checksum"),
    ],
)
def test_damage_behind_a_sound_header(
    written: Path, tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(damage(written.read_bytes()))
    with pytest.raises(SegMambaError, match=message) as caught:
        read_model(path)
    assert str(path) in str(caught.value)


def test_absent(tmp_path: Path) -> None:
    for read in (read_model, read_spec):
        with pytest.raises(SegMambaError, match="No such file"):
            read(tmp_path / "absent.safetensors")


def test_safetensors_of_another_project(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(SegMambaError, match="not of SegMamba"):
        read_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "huge"}, "network 'huge' is unknown"),
        ({"normalisation": "minmax"}, "normalisation 'minmax' is unknown"),
        ({"activation": "relu"}, "activation 'relu' is unknown"),
        ({"orientation": "XYZ"}, "orientation 'XYZ'"),
        ({"orientation": "LRS"}, "orientation 'LRS'"),
        ({"channels": ("t1n", "t1c", "t2w", "adc")}, "channels t1n, t1c, t2w, adc"),
        ({"outputs": ("WT", "TC", "XX")}, "outputs WT, TC, XX"),
        ({"spacing": (1.0, 1.0, 0.0)}, "spacing"),
        ({"patch": (128, 128)}, "patch"),
    ],
)
def test_a_spec_from_the_future(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = tmp_path / "future.safetensors"
    write_model(torch.nn.Linear(2, 2), replace(SPEC, **change), path)  # type: ignore[arg-type]
    with pytest.raises(SegMambaError, match=message):
        read_spec(path)


def test_a_spec_with_an_unknown_key(tmp_path: Path) -> None:
    path = tmp_path / "future.safetensors"
    save_file({"w": torch.zeros(1)}, path, {"spec": '{"name": "x", "wavelets": 3}', "sha256": ""})
    with pytest.raises(SegMambaError, match="wavelets"):
        read_spec(path)


def test_names_and_shapes_are_strict(tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    write_model(build_network("small", 4, 4), SPEC, path)
    with pytest.raises(
        SegMambaError, match=r"wrong shape \(out.conv.conv.weight is 4 x .*, not 3 x"
    ) as caught:
        read_model(path)
    assert len(str(caught.value).splitlines()) <= 3

    write_model(torch.nn.Linear(2, 2), SPEC, path)
    with pytest.raises(SegMambaError, match=r"\d+ missing \(.* and \d+ more\); 2 unknown \(bias, weight\)"):
        read_model(path)


def test_weights_that_fp16_cannot_hold(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    with torch.no_grad():
        network.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match="weight"):
        write_model(network, SPEC, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
