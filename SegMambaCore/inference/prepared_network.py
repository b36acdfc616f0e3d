"""A network made ready for a device and a number format, and its forward passes there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from SegMambaCore.inference.device import choose_device
from SegMambaCore.inference.ladder import first_plan
from SegMambaCore.inference.recorded_pass import Forward, RecordedPass
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.network.prepare import copy_onto, prepared
from SegMambaCore.network.segmamba import SegMamba

WORTH_RECORDING = 3
"""Passes of one shape from which on a recording pays: it takes somewhat longer than launching a pass does."""

_SMALL = (32, 32, 32)
"""Voxels that show a GPU every kind of layer."""


class PreparedNetwork:
    """A network, and what was made of it for the latest device.

    On a GPU that is a copy, with weights in the format that it computes in; the CPU takes the network itself. Keep
    this object from one case to the next and nothing is done twice.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._passes: Passes | None = None

    def passes_on(self, device: torch.device, *, half: bool) -> Passes:
        """Return the forward passes on a device, in float16 or float32."""
        if self._passes is None or self._passes.kind != (device, half):
            self._passes = None  # never two copies beside each other
            self._passes = Passes(self.network, device, half=half)
        return self._passes

    def warm_up(self, settings: InferenceSettings, spec: ModelSpec) -> None:
        """Do ahead what a first case on a GPU waits for: context, weights, libraries, kernels, the recording of a pass.

        Where memory does not even suffice for this, nothing happens: the prediction will say so.
        Raises SegMambaError when the device is absent.
        """
        device = choose_device(settings.device)
        if not device.startswith("cuda"):
            return
        try:
            # What is known of the case is that a head is larger than a patch.
            plan = first_plan(settings, device, spec, spec.patch)
            in_windows = plan.settings.mode == "windows"
            batch, size = (plan.batch, plan.window) if in_windows else (1, _SMALL)
            passes = self.passes_on(torch.device(device), half=plan.half)
            with torch.inference_mode():
                x = passes.input_of((batch, len(spec.channels), *size)).zero_()
                passes.run(x, to_come=WORTH_RECORDING if in_windows else 0)
            torch.cuda.synchronize(device)
        except RuntimeError:
            self.forget()

    def forget(self) -> None:
        """Give back the copy's memory and that of its recordings."""
        self._passes = None


class Passes:
    """Forward passes over batches that are written into `input_of`.

    kind: device, and whether float16. network: as it runs there. forward: the bare call. dtype: of its input.
    """

    def __init__(self, network: nn.Module, device: torch.device, *, half: bool) -> None:
        self.kind = (device, half)
        self.network, self.forward = _made_ready(network, device, half)
        # What autocast casts arrives in float32; a prepared network takes what it computes in.
        self.dtype = torch.float16 if half and isinstance(network, SegMamba) else torch.float32
        self._device = device
        self._input: Tensor | None = None
        self._recorded: RecordedPass | None = None
        self._recordable = device.type == "cuda"

    def input_of(self, shape: tuple[int, ...]) -> Tensor:
        """Return where a batch (batch, channels, D, H, W) is to be written.

        On CUDA it is the same place again for the same shape: what was recorded goes on reading there.
        """
        if self._input is not None and self._input.shape == shape:
            return self._input
        self._recorded = self._input = None  # their memory first: shapes change from patient to patient
        layout = layout_on(self._device)
        x = torch.empty(shape, dtype=self.dtype, device=self._device, memory_format=layout)
        if self._device.type == "cuda":
            self._input = x
        return x

    def run(self, x: Tensor, to_come: int) -> Tensor:
        """Return the logits for what `input_of` returned.

        On CUDA they are only queued, and the next run may overwrite them.
        to_come: runs of the same shape that will follow. If there are enough of them, the pass is recorded after it
        has run once, and from then on replayed.
        """
        if self._recorded is not None and self._recorded.takes(x):
            return self._recorded.replay()
        y = self.forward(x)
        if self._recordable and to_come >= WORTH_RECORDING:
            self._record(x)
        return y

    def _record(self, x: Tensor) -> None:
        try:
            self._recorded = RecordedPass(self.forward, x)
        except RuntimeError:
            # No room beside what is there, or a network that asks the GPU something on its way: it goes on as before.
            self._recordable = False


def layout_on(device: torch.device) -> torch.memory_format:
    """Return how tensors lie in memory: channels last for the fused norms of a CPU and the convolutions of CUDA."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last_3d


def _made_ready(network: nn.Module, device: torch.device, half: bool) -> tuple[nn.Module, Forward]:
    """The network as it runs on the device, and the call of it."""
    if device.type != "cuda":
        # The network itself: a copy would cost memory, and these devices compute in the format of its weights.
        network.to(device).to(memory_format=layout_on(device)).eval()  # type: ignore[call-overload]
        return network, network
    if isinstance(network, SegMamba):
        ready: nn.Module = prepared(network, device, torch.float16 if half else torch.float32)
        return ready, ready
    ready = copy_onto(network, device, lambda _name, tensor: tensor.dtype)

    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cuda", torch.float16, enabled=half):
            return ready(x)

    return ready, forward
