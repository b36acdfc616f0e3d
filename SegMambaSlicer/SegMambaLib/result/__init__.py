"""Segments in the scene: imported, undone, with their meaning."""
