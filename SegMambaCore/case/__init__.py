"""A patient's four contrasts: found, checked, and prepared for a network."""
