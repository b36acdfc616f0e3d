"""`python -m SegMambaCore segment ...` as the Slicer module calls it, answering within a moment.

WT, TC and ET are the voxels of T1Gd above 100, 200 and 300. FAKE_BEHAVIOUR chooses what goes wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    if sys.argv[1] == "devices":
        return _devices()
    if sys.argv[1] == "batch":
        return _batch()
    arguments = _arguments()
    behaviour = os.environ.get("FAKE_BEHAVIOUR", "succeed")
    if record := os.environ.get("FAKE_RECORD"):
        seen = {**vars(arguments), "temporary": tempfile.gettempdir()}
        Path(record).write_text(json.dumps(seen, default=str), encoding="utf-8")
    _say("phase", phase="read", title="Reading volumes")
    if behaviour == "error":
        _say("error", message=f"{arguments.t2w}: not a number among the voxels.\nExport it again.")
        return 1
    if behaviour == "traceback":
        print("Traceback (most recent call last):", file=sys.stderr)
        print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr)
        return 1
    if behaviour == "silent":
        return 3
    if behaviour == "killed":
        os.kill(os.getpid(), 9)
    if behaviour == "garbage":
        sys.stdout.buffer.write(b'\xff\xfe torch says hello\n{not json\n[1, 2]\n{"event": "progress"}\n')
        sys.stdout.flush()
    if behaviour in ("slow", "stubborn"):
        return _wait(stubborn=behaviour == "stubborn")
    _say("phase", phase="segment", title="Segmenting")
    for done in range(1, 4):
        _say("progress", phase="segment", done=done, total=3, seconds_left=0.1 * (3 - done))
    _say("warning", message="The volumes T2 and T1Gd hardly resemble each other.")
    files = {} if behaviour == "no file" else {"segments": _write_segments(arguments, behaviour)}
    files.setdefault("segments", "absent.seg.nrrd")
    files["report"] = _write_report(arguments)
    (arguments.output / "check.png").write_bytes(b"picture of the input")
    files["check"] = "check.png"
    _say(
        "result",
        output=str(arguments.output),
        files=files,
        volumes_ml={"WT": 12.34, "TC": 5.6, "ET": 0.0},
        device="cpu",
        seconds=1.0,
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["segment"])
    for role in ("t1n", "t1c", "t2w", "t2f"):
        parser.add_argument(f"--{role}", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--reference", choices=["t1c"])
    parser.add_argument("--progress", choices=["json"])
    parser.add_argument("--model")
    parser.add_argument("--no-preparation", action="store_true")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda:0"], required=True)
    parser.add_argument("--mirror", choices=["none", "leftright", "all"], required=True)
    parser.add_argument("--overlap", type=float, required=True)
    parser.add_argument("--mode", choices=["auto", "windows"], required=True)
    arguments = parser.parse_args()
    if arguments.t1c is None:  # the result lies on the first contrast there is
        arguments.t1c = arguments.t1n
    return arguments


def _batch() -> int:
    """Each subfolder is a patient with t1n.nrrd ...; one without T2-FLAIR is incomplete, one named "Bad" fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", action="store_true")
    for name in ("output", "progress", "reference", "device", "mirror", "overlap", "model"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--no-preparation", action="store_true")
    arguments = parser.parse_args(sys.argv[2:])
    behaviour = os.environ.get("FAKE_BEHAVIOUR", "succeed")
    if record := os.environ.get("FAKE_RECORD"):
        Path(record).write_text(json.dumps(vars(arguments), default=str), encoding="utf-8")
    if behaviour == "error":
        _say("error", message="Nobody is there.")
        print("Nobody is there.", file=sys.stderr)
        return 1
    sources = {
        folder.name: {path.stem: str(path) for path in sorted(folder.iterdir())}
        for folder in sorted(arguments.folder.iterdir())
    }
    problems = {case: "" if "t2f" in found else "T2-FLAIR is missing." for case, found in sources.items()}
    if arguments.list:
        patients = [
            {"case": case, "sources": sources[case], "problem": problems[case], "notes": [], "series": {}}
            for case in sources
        ]
        _say("patients", patients=patients)
        return 0
    for case, problem in problems.items():
        _patient(case, "incomplete" if problem else "waiting", problem)
    _say("batch", done=0, total=len(sources), seconds_left=None)
    for done, case in enumerate(case for case in sources if not problems[case]):
        _patient(case, "running")
        if behaviour in ("slow", "stubborn"):
            return _wait(stubborn=behaviour == "stubborn")
        _say("phase", phase="segment", title="Segmenting")
        _say("batch", done=done, total=len(sources), seconds_left=100.0)
        _say("progress", phase="segment", done=1, total=2, seconds_left=1.0)
        if case == "Bad":
            _patient(case, "failed", "T2: it is cut short.")
            continue
        Path(arguments.output).mkdir(exist_ok=True)
        results = argparse.Namespace(t1c=sources[case]["t1c"], output=Path(arguments.output, case))
        _write_segments(results, behaviour)
        Path(arguments.output, "index.html").write_text("page", encoding="utf-8")
        _patient(case, "done", volumes_ml={"WT": 12.34, "TC": 5.6, "ET": None}, warnings=["T1 lies apart."])
    _say("result", output=arguments.output, files={}, done=1, failed=1, incomplete=1, seconds=1.0)
    return 3


def _patient(case: str, status: str, reason: str = "", **more: object) -> None:
    values = {"volumes_ml": {}, "warnings": [], **more}
    _say("patient", case=case, status=status, reason=reason, **values)


def _say(event: str, **content: object) -> None:
    print(json.dumps({"event": event, **content}), flush=True)


def _wait(stubborn: bool) -> int:
    """Sleep for a minute together with a child; tell both process numbers first."""
    if stubborn:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", _STUBBORN_CHILD if stubborn else _CHILD])
    Path(os.environ["FAKE_PIDS"]).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
    time.sleep(60)
    return 0


_CHILD = "import time; time.sleep(60)"
_STUBBORN_CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def _write_segments(arguments: argparse.Namespace, behaviour: str) -> str:
    import nrrd
    import numpy as np

    voxels, header = nrrd.read(str(arguments.t1c))  # (i, j, k), RAS
    masks = np.stack([voxels > threshold for threshold in (100, 200, 300)]).astype(np.uint8)
    if behaviour == "empty":
        masks[2] = 0
    origin = header["space origin"] + (50.0 if behaviour == "displaced" else 0.0)
    segments = {
        "space": "right-anterior-superior",
        "space directions": np.vstack([np.full(3, np.nan), header["space directions"]]),
        "space origin": origin,
        "kinds": ["list", "domain", "domain", "domain"],
        "encoding": "raw",
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    names = ("WT", "TC") if behaviour == "no ET" else ("WT", "TC", "ET")
    for layer, name in enumerate(names):
        segments |= {
            f"Segment{layer}_ID": name,
            f"Segment{layer}_Name": name,
            f"Segment{layer}_Color": f"{0.25 * layer} 0.5 0.75",
            f"Segment{layer}_LabelValue": "1",
            f"Segment{layer}_Layer": str(layer),
            f"Segment{layer}_Extent": " ".join(f"0 {n - 1}" for n in voxels.shape),
            f"Segment{layer}_Tags": f"TerminologyEntry:{_terminology(name)}|",
        }
    arguments.output.mkdir()
    nrrd.write(str(arguments.output / "segmentation.seg.nrrd"), masks[: len(names)], segments)
    return "segmentation.seg.nrrd"


def _write_report(arguments: argparse.Namespace) -> str:
    arguments.output.mkdir(exist_ok=True)
    report = {
        "settings": {"used": {"device": "cpu", "mode": "onepass", "mirror": arguments.mirror}},
        "seconds": {"read": 1.0, "segment": 40.0, "write": 2.0},
        "fallbacks": [],
    }
    (arguments.output / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return "report.json"


def _devices() -> int:
    """One card and the CPU, after a moment; FAKE_BEHAVIOUR "no torch" fails."""
    if os.environ.get("FAKE_BEHAVIOUR") == "no torch":
        print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr)
        return 1
    if os.environ.get("FAKE_BEHAVIOUR") == "slow":
        return _wait(stubborn=False)
    card = {"name": "cuda:0", "title": "NVIDIA Test", "memory_gb": 8.0}
    cpu = {"name": "cpu", "title": "CPU (test, 2 threads)", "memory_gb": 16.0}
    print("a library says hello")
    answer = {
        "devices": [card, cpu],
        "automatic": "cuda:0",
        "cuda_problem": None,
        "cpu_seconds": {"small": 10.0},
    }
    print(json.dumps(answer))
    return 0


def _terminology(name: str) -> str:
    return f"Test list~SCT^49755003^Morphologically Abnormal Structure~TEST^{name}^{name}~^^~~^^~^^"


sys.exit(main())
