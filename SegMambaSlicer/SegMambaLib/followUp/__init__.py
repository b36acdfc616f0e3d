"""Several scans of one patient: found in the scene, laid onto each other, compared."""
