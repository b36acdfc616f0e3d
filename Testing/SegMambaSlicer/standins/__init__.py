"""Stand-ins for what only the Slicer application has: widgets of CTK and MRML, some Python modules.

They prove that the module's parts are wired to each other. They prove nothing about how Slicer behaves.
"""
