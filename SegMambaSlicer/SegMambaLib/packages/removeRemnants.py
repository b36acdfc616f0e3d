"""Clears away a package that was installed only in part. A program of its own, on the standard library alone:

    PythonSlicer removeRemnants.py SITE_PACKAGES '[["torch", ["torch"]]]'

pip writes a package's list of files last: where it is absent, pip can neither uninstall the package nor see that it is
none, and files of another version would stay between the new ones. What pip renamed in order to replace it ("~orch")
stays for ever if pip was interrupted. A package with its list is left to pip.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

LEADING = "-~.=%0123456789"
"""What pip puts in place of a name's first letters (pip/_internal/utils/temp_dir.py)."""


def main(site: Path, packages: list[tuple[str, list[str]]]) -> int:
    """Remove each package's remnants; packages: distribution's canonical name, modules. Return the exit code."""
    for name, modules in packages:
        for path in remnants(site, name, modules):
            try:
                shutil.rmtree(path)
            except OSError as error:
                print(f"{path}: cannot be removed ({error.strerror or error}).")
                print(
                    "It may be in use: close other Slicer windows, start Slicer again and repair before all else."
                )
                return 1
            print(f"Removed {path}")
    return 0


def remnants(site: Path, name: str, modules: list[str]) -> list[Path]:
    """Return the folders to remove: metadata without a list of files and the modules with it, what pip renamed."""
    folders = [folder for folder in sorted(site.iterdir()) if folder.is_dir()]
    own = [folder for folder in folders if canonical(stem(folder)) == name and folder.suffix == ".dist-info"]
    incomplete = [folder for folder in own if not (folder / "RECORD").is_file()]
    found = list(incomplete)
    if len(incomplete) == len(own):
        found += [folder for folder in folders if folder.name in modules]
    originals = {name, name.replace("-", "_"), *modules}
    return found + [
        folder for folder in folders if any(is_renamed(stem(folder), original) for original in originals)
    ]


def stem(folder: Path) -> str:
    return re.sub(r"-[^-]+\.dist-info$", "", folder.name)


def is_renamed(stem: str, original: str) -> bool:
    """Whether pip made this name of that one: ~orch of torch, when that is taken ~-rch, and so on."""
    kept = stem.lstrip(LEADING)
    return stem.startswith("~") and len(stem) == len(original) and bool(kept) and original.endswith(kept)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    del sys.path[0]
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
