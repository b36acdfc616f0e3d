"""Looks at the packages of the Python that runs it. A program of its own, on the standard library alone:

    PythonSlicer probe.py '[["torch", "torch"], ["pynrrd", "nrrd"]]'

takes distributions with the modules to import, and prints lines of JSON. Importing is the only proof: a half-installed
torch has complete metadata. It happens here and not in Slicer, where a crash would take the scene along and a loaded
library could not be replaced any more on Windows.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import sys
import sysconfig


def main(packages: list[list[str]]) -> None:
    """Print the place, all installed distributions, then each package before and after its import."""
    say(site=sysconfig.get_path("purelib"), python=f"{sys.version_info[0]}.{sys.version_info[1]}")
    found = {
        canonical(d.metadata["Name"]): d for d in importlib.metadata.distributions() if d.metadata["Name"]
    }
    say(
        installed={name: d.version or "" for name, d in found.items()},
        requires={name: requirements(d) for name, d in found.items()},
    )
    for name, module in packages:
        say(importing=name)
        try:
            if getattr(importlib.import_module(module), "__file__", None) is None:
                raise ImportError(f"the folder {module} is there, and its first file is not")
        except BaseException as error:  # SystemExit too: whatever it is, the segmentation would meet it
            message = f"{type(error).__name__}: {error}".strip().splitlines()[-1]
            say(failed=name, reason=message, damaged=damaged(canonical(name), found))
        else:
            say(imported=name)


def damaged(name: str, found: dict[str, importlib.metadata.Distribution]) -> list[str]:
    """Return those of the package and what it requires that lack files of their own list, or the list."""
    result, seen, waiting = [], set(), [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in found:
            continue
        seen.add(current)
        if lacksFiles(found[current]):
            result.append(current)
        waiting += requirements(found[current])
    return result


def lacksFiles(distribution: importlib.metadata.Distribution) -> bool:
    """Whether a file of its list is absent or of another size, or the list itself is: pip writes it last."""
    files = distribution.files
    if not files:
        return True
    for file in files:
        # Compiled files come and go. Slicer's installer leaves tests out.
        if file.suffix == ".pyc" or {"test", "tests"} & set(file.parts):
            continue
        try:
            size = os.stat(file.locate()).st_size
        except OSError:
            return True
        if file.size is not None and file.size != size:
            return True
    return False


def requirements(distribution: importlib.metadata.Distribution) -> list[str]:
    """Return the names of what it requires always, not for an extra."""
    lines = [line for line in distribution.requires or [] if not re.search(r";.*\bextra\b", line)]
    return [canonical(re.split(r"[^\w.-]", line.strip())[0]) for line in lines]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose names could stand before others
    main(json.loads(sys.argv[1]))
