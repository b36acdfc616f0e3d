"""Many trainings on the folds, and the table of what they reached."""
