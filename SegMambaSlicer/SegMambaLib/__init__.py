"""What the SegMamba module does apart from showing it: nodes in, a command run beside Slicer, segments out.

Nothing here knows Qt, and nothing imports torch or SegMambaCore into Slicer's own process.
"""
