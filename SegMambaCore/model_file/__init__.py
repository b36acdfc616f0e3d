"""Weights on disk: what they are, where they lie, and whether they are what they claim."""
