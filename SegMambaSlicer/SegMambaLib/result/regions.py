"""The segments that a run makes."""

from __future__ import annotations

REGIONS = ("WT", "TC", "ET")
"""The segments' IDs, each inside the one before. A later run replaces these and leaves every other segment alone."""
