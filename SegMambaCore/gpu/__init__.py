"""Kernels for NVIDIA GPUs that are compiled when they are first needed."""
