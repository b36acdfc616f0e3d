"""The command line: python -m SegMambaCore."""
