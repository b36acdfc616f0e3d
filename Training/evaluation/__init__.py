"""Measuring cohorts: what is compared with what, the tables, intervals and tests."""
