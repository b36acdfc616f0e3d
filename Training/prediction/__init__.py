"""A cohort through a model: one case a task, on this computer or on a Ray cluster."""
