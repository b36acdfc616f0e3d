"""A synthetic patient for demonstrations and tests."""
