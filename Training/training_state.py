"""All that changes while a training runs, to and from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from Training.checkpoint import CheckpointFolder
from Training.processes import Processes
from Training.randomness import restore_shared_states, shared_states
from Training.schedule import Progress
from Training.training_log import TrainingLog
from Training.weight_average import WeightAverage


@dataclass
class TrainingState:
    """What a step changes; the same in all processes, but for random generators and the log's sums."""

    network: nn.Module
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    progress: Progress

    def save(self, checkpoints: CheckpointFolder, log: TrainingLog, processes: Processes) -> None:
        """Write a checkpoint with all that a training needs to go on; all processes call this.

        Raises SegMambaError when it, or what the log had not written yet, cannot be written.
        """
        log.flush()
        own = {"random": shared_states(processes.device), "log": log.state()}
        everybodys = processes.gathered(own)
        if processes.is_first:
            content = {
                "progress": asdict(self.progress),
                "network": self.network.state_dict(),
                "average": self.average.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "processes": everybodys,
            }
            checkpoints.save(self.progress.step, content)

    def restore(self, content: dict[str, Any], log: TrainingLog, processes: Processes) -> None:
        """Take over what a checkpoint holds, except the progress."""
        self.network.load_state_dict(content["network"])
        self.average.network.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        if processes.number < len(content["processes"]):  # by now there may be more
            own = content["processes"][processes.number]
            restore_shared_states(own["random"], processes.device)
            log.restore(own["log"])
