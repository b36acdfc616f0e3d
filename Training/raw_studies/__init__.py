"""The preparation of raw studies, measured where the truth is known."""
