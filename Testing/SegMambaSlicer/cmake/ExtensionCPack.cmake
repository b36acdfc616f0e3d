# Slicer's own file packages the installed tree; here the test looks at it.
