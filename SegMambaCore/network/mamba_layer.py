"""The Mamba layer of SegMamba: a sequence of tokens scanned in two or three directions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SegMambaCore.scan.directions import (
    convolve_in_direction,
    gather_directions,
    scan_all_directions,
    scans_all_at_once,
)
from SegMambaCore.scan.selective_scan import scans_jointly, selective_scan, selective_scan_joint


class MambaLayer(nn.Module):
    """Tri-orientated Mamba, ToM: paper section 3.2, equation (2), Mamba(z) = Mamba(z_f) + Mamba(z_r) + Mamba(z_s).

    One input projection gives x and the gate z; every direction has its own convolution, step sizes and state
    matrices; the directions are summed, not averaged, gated by SiLU(z) and projected back. Version 1 of the paper's
    code has no inter-slice direction.

    Parameter names are the public code's: no suffix is forward, `_b` reverse, `_s` inter-slice.

    dim: channels of the tokens. directions: "" alone or with "_b" and "_s".
    """

    def __init__(
        self, dim: int, directions: tuple[str, ...], d_state: int = 16, d_conv: int = 4, expand: int = 2
    ) -> None:
        super().__init__()
        inner = expand * dim
        self.dt_rank = math.ceil(dim / 16)
        self.d_state = d_state
        self.d_conv = d_conv
        self.directions = directions
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        for suffix in directions:
            name = suffix.strip("_")
            self.register_parameter(f"A_{name}_log" if name else "A_log", _initial_a_log(inner, d_state))
            self.register_parameter(f"D{suffix}", nn.Parameter(torch.ones(inner)))
            self.add_module(
                f"conv1d{suffix}", nn.Conv1d(inner, inner, d_conv, groups=inner, padding=d_conv - 1)
            )
            self.add_module(f"x_proj{suffix}", nn.Linear(inner, self.dt_rank + 2 * d_state, bias=False))
            self.add_module(f"dt_proj{suffix}", _initial_dt_proj(self.dt_rank, inner))
        self.out_proj = nn.Linear(inner, dim, bias=False)
        self._fixed: _Stacked | None = None

    def fix(self, dtype: torch.dtype) -> None:
        """Compute once what every pass computes of the parameters alone, and cast the projections to the tokens' type.

        For inference only: no change of the parameters is seen any more.
        """
        with torch.no_grad():
            stacked = self._stacked()
            self._fixed = replace(stacked, projections=stacked.projections.to(dtype))
            for suffix in self.directions:
                part = self._parameters_of(suffix)
                for layer in (part.x_proj, part.dt_proj):
                    layer.weight.data = layer.weight.to(dtype)

    def forward(self, tokens: Tensor, slices: int) -> Tensor:
        """tokens: (batch, length, dim), row-major over (slices, rows, columns); returns the same shape."""
        xz = self.in_proj(tokens)
        if scans_all_at_once(xz, self.d_conv, self.d_state):
            of_all = self._fixed or self._stacked()
            return self.out_proj(scan_all_directions(xz, **vars(of_all), slices=slices))
        x, z = xz.chunk(2, dim=-1)  # (batch, length, inner) each
        results = {direction: self._scan_direction(x, direction, slices) for direction in self.directions}
        return self.out_proj(gather_directions(results, z, slices))

    def _scan_direction(self, x: Tensor, direction: str, slices: int) -> Tensor:
        """Return the scan's result, in the direction's order."""
        part = self._parameters_of(direction)
        assert part.conv1d.bias is not None
        x = convolve_in_direction(x, part.conv1d.weight, part.conv1d.bias, direction, slices)
        number = self.directions.index(direction)
        A = _state_matrix(part.A_log) if self._fixed is None else self._fixed.A[number]
        if scans_jointly(x, self.d_state):
            projection = (self._fixed or self._stacked()).projections[number].to(x.dtype)
            return selective_scan_joint(x, F.linear(x, projection), A, part.D, part.dt_proj.bias)
        dt, B, C = part.x_proj(x).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        # The product without its bias: the scan adds it in float32, where autocast would lose small steps.
        dt = F.linear(dt, part.dt_proj.weight)
        return selective_scan(x, dt, A, B, C, part.D.float(), part.dt_proj.bias)

    def _stacked(self) -> _Stacked:
        """The parameters of all directions, float32.

        Both projections of the step sizes make one matrix. It multiplies more often than they do, which costs a matrix
        unit nothing: rows of few values would not fill it, and memory is passed once instead of three times.
        """
        parts = [self._parameters_of(suffix) for suffix in self.directions]

        def stack(get: Callable[[_Direction], Tensor]) -> Tensor:
            return torch.stack([get(part).float() for part in parts])

        with torch.autocast(parts[0].D.device.type, enabled=False):
            rows = [self.dt_rank, 2 * self.d_state]
            in_between, of_states = stack(lambda part: part.x_proj.weight).split(rows, dim=1)
            of_steps = stack(lambda part: part.dt_proj.weight) @ in_between
            return _Stacked(
                taps=stack(lambda part: part.conv1d.weight[:, 0]),
                conv_bias=stack(lambda part: cast(Tensor, part.conv1d.bias)),
                projections=torch.cat([of_steps, of_states], dim=1),
                A=_state_matrix(stack(lambda part: part.A_log)),
                D=stack(lambda part: part.D),
                dt_bias=stack(lambda part: part.dt_proj.bias),
            )

    def _parameters_of(self, suffix: str) -> _Direction:
        name = suffix.strip("_")
        return _Direction(
            conv1d=getattr(self, f"conv1d{suffix}"),
            x_proj=getattr(self, f"x_proj{suffix}"),
            dt_proj=getattr(self, f"dt_proj{suffix}"),
            A_log=getattr(self, f"A_{name}_log" if name else "A_log"),
            D=getattr(self, f"D{suffix}"),
        )


@dataclass(frozen=True)
class _Direction:
    conv1d: nn.Conv1d
    x_proj: nn.Linear
    dt_proj: nn.Linear
    A_log: Tensor
    D: Tensor


@dataclass(frozen=True)
class _Stacked:
    """As `scan_all_directions` wants them."""

    taps: Tensor
    conv_bias: Tensor
    projections: Tensor
    A: Tensor
    D: Tensor
    dt_bias: Tensor


def _state_matrix(A_log: Tensor) -> Tensor:
    """A, float32."""
    return -torch.exp(A_log.float())


def _initial_a_log(inner: int, d_state: int) -> nn.Parameter:
    """A = 1..d_state in every channel (S4D-real)."""
    return nn.Parameter(torch.log(torch.arange(1, d_state + 1, dtype=torch.float32)).repeat(inner, 1))


def _initial_dt_proj(dt_rank: int, inner: int) -> nn.Linear:
    """softplus(bias) log-uniform in 1e-3..0.1, weight uniform within dt_rank^-0.5, as in Mamba."""
    layer = nn.Linear(dt_rank, inner)
    nn.init.uniform_(layer.weight, -(dt_rank**-0.5), dt_rank**-0.5)
    dt = torch.exp(torch.rand(inner) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3))
    with torch.no_grad():
        layer.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # inverse of softplus
    return layer
