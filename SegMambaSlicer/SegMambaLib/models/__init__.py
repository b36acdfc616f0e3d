"""The networks that are installed."""
