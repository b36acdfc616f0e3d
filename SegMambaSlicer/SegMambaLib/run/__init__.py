"""The command beside Slicer: started, watched, cancelled, its result taken in."""
