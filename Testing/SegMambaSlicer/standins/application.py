"""slicer.app: what the module asks of the running application."""

from __future__ import annotations


class Application:
    """temporaryPath: a folder of the test's own."""

    def __init__(self, temporaryPath: str) -> None:
        self.temporaryPath = temporaryPath
        self._clipboard = Clipboard()

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        pass

    def clipboard(self) -> Clipboard:
        return self._clipboard


class Clipboard:
    """QClipboard, of this test alone."""

    def __init__(self) -> None:
        self._text = ""

    def setText(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        return self._text
