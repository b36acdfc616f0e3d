"""Speeds and memory, beside other networks and beside what the machine allows."""
