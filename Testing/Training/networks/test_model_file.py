"""A rival's weights file: read by Training, refused by the product."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import safetensors_file
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.safetensors_file import write_model
from Training.model_spec import model_spec
from Training.networks.model_file import read_model
from Training.networks.registry import build_network


def test_rivals_weights_come_back_and_the_product_refuses_them(tmp_path: Path) -> None:
    path = tmp_path / "rival.safetensors"
    written = build_network("swin-unetr", 4, 3)
    spec = model_spec("sigmoid", "swin-unetr")
    write_model(written, spec, path)

    network, read = read_model(path)
    assert read == spec
    assert not network.training
    found = network.state_dict()
    for name, tensor in written.state_dict().items():
        # Fractions are rounded to fp16; the tables of indices, beyond what fp16 counts exactly, are not.
        expected = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(found[name], expected), name

    for refuses in (read_spec, safetensors_file.read_model):
        with pytest.raises(SegMambaError, match=r"rival.safetensors: .*network 'swin-unetr' is unknown"):
            refuses(path)


def test_segmamba_is_read_by_both(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    write_model(build_network("small", 4, 3), model_spec("sigmoid"), path)
    ours, theirs = read_model(path)[0].state_dict(), safetensors_file.read_model(path)[0].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_network_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "future.safetensors"
    write_model(torch.nn.Linear(2, 2), model_spec("sigmoid", "unheard-of"), path)  # type: ignore[arg-type]
    with pytest.raises(SegMambaError, match="network 'unheard-of' is unknown"):
        read_model(path)
