"""What a radiologist measures: volumes, lesions, diameters, sides. Arrays with geometry in, figures out; no torch."""
