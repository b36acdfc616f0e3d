"""Segment one case without Slicer's window:

    Slicer --no-splash --no-main-window --python-script segment_case.py T1 T1GD T2 FLAIR RESULT.seg.nrrd

The four volumes are files that Slicer can load. In Slicer's Python console the two lines in the middle are enough, with
volumes that are loaded already.
"""

import sys

import slicer
from SegMamba import SegMambaLogic


def main(t1n: str, t1c: str, t2w: str, t2f: str, result: str) -> None:
    files = {"t1n": t1n, "t1c": t1c, "t2w": t2w, "t2f": t2f}
    volumes = {role: slicer.util.loadVolume(path) for role, path in files.items()}

    segmentation = SegMambaLogic().segment(volumes, quality="fast", onProgress=ProgressLines())

    if not slicer.util.saveNode(segmentation, result):
        raise RuntimeError(f"{result} could not be written.")
    print(f"WT, TC and ET are in {result}")


class ProgressLines:
    """Prints each phase once: progress comes ten times a second."""

    def __init__(self) -> None:
        self._phase = ""

    def __call__(self, line: str) -> None:
        phase = line.split(",")[0]
        if phase != self._phase:
            self._phase = phase
            print(phase, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        print(__doc__)
        slicer.util.exit(2)
    else:
        # An exception would leave Slicer running without a window.
        try:
            main(*sys.argv[1:])
            slicer.util.exit(0)
        except Exception as error:
            print(f"Failed: {error}", file=sys.stderr)
            slicer.util.exit(1)
