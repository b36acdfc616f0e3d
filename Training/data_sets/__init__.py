"""Data sets as they are published: BraTS by year, and the Medical Segmentation Decathlon's Task01."""
