"""From a prepared case to probabilities: windows or one pass, mirrors, devices and their limits."""
