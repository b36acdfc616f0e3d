"""The SegMamba networks."""
