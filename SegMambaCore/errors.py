"""The errors whose text is written for the person at the keyboard."""


class SegMambaError(Exception):
    """A mistake or a limit that the user can act on.

    The message is one to three lines: which input, what is wrong with it, what to do. The command prints it
    without a traceback.
    """


class DiskFullError(SegMambaError):
    """There is no room for the results: whatever comes next will fail alike."""


class CancelledError(Exception):
    """The user asked to stop. Nothing is wrong; the message, if any, says what was finished before."""
