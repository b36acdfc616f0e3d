"""What stands behind the SegMamba module's file: a room for each part of the work, and the panel that shows it.

Only `panel/` knows Qt, and nothing imports torch into Slicer's own process.
"""
