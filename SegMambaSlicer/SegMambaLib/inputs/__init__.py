"""Volume nodes: their roles, what is wrong with them, and the files they become."""
