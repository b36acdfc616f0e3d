"""Several time points of one patient compared: figures and thresholds, never a verdict."""
