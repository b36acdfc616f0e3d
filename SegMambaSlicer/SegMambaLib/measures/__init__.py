"""Figures of the segments in the scene: SegMambaCore's measures on nodes, and lines that the user can drag."""
