"""Images with their geometry: reading, writing, resampling."""
