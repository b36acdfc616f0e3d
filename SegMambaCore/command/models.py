"""List the models on this computer: those shipped with SegMamba and your own."""

from __future__ import annotations

import argparse

from SegMambaCore.model_file.library import ModelEntry, list_models, user_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_args: argparse.Namespace) -> int:
    """Print the models, the default first, and where to put more."""
    for entry in list_models():
        print(_text(entry))
    print(f"Your own models belong in {user_folder()}")
    return 0


def _text(entry: ModelEntry) -> str:
    origin = "shipped" if entry.shipped else "yours"
    if entry.spec is None:
        return f"{entry.name} ({origin}): of no use. {entry.problem}"
    spec = entry.spec
    lines = [
        f"{entry.name} ({origin}, network {spec.network}, {entry.path.stat().st_size / 1e6:.1f} MB)",
        f"    gives {', '.join(spec.outputs)} from {', '.join(spec.channels)} at"
        f" {' x '.join(f'{mm:g}' for mm in spec.spacing)} mm",
    ]
    facts = {"trained": spec.training, "date": spec.date, "licence": spec.licence}
    lines += [f"    {title}: {value}" for title, value in facts.items() if value]
    return "\n".join(lines)
