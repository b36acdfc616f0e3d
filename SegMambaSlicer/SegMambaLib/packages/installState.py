"""How far an attempt to have all packages is."""

from __future__ import annotations

from enum import Enum


class InstallState(Enum):
    """LOOKING -> READY, or ASKING -> DECLINED, or ASKING -> INSTALLING -> READY; FAILED and CANCELLED from all."""

    LOOKING = "looking"
    ASKING = "asking"
    INSTALLING = "installing"
    CANCELLING = "cancelling"
    READY = "ready"
    DECLINED = "declined"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def isOver(self) -> bool:
        return self in _OVER


_OVER = (InstallState.READY, InstallState.DECLINED, InstallState.FAILED, InstallState.CANCELLED)
