"""DICOM studies as archives give them out: series found in folders and zips, ordered, read."""
