"""Many patients: a folder of them is segmented beside Slicer."""
