"""Lets `python -m SegMambaCore` start the command line."""

import sys

from SegMambaCore.command.main import main

if __name__ == "__main__":
    sys.exit(main())
