"""SegMamba brain tumour segmentation: network, inference, volumes and their geometry. Knows nothing of 3D Slicer."""

__version__ = "0.1.0"
