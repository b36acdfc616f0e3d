"""The packages that the command needs in Slicer's Python."""
