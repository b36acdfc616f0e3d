"""The networks that are compared: SegMamba, and its rivals from MONAI, from nnU-Net, and written from their papers."""
