"""List the models on this computer, those shipped with SegMamba and your own; add and remove your own."""

from __future__ import annotations

import argparse
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.checksum import read_checked_spec
from SegMambaCore.model_file.figures import held_out_figures
from SegMambaCore.model_file.library import ModelEntry, list_models, user_folder
from SegMambaCore.model_file.own_models import add_model, remove_model
from SegMambaCore.model_file.spec import ModelSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two things that can be done with models; without one they are listed."""
    parser.set_defaults(act=_list)
    actions = parser.add_subparsers(metavar="add | remove")
    add = actions.add_parser("add", help="copy a model file among your own, after checking it")
    add.add_argument("file", type=Path, metavar="FILE.safetensors")
    add.add_argument("--name", help="what to call it (default: the file's name)")
    add.set_defaults(act=_add)
    remove = actions.add_parser("remove", help="delete one of your own models")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(act=_remove)


def run(args: argparse.Namespace) -> int:
    """List, add or remove."""
    args.act(args)
    return 0


def _list(_args: argparse.Namespace) -> None:
    for entry in list_models():
        print(_text(entry))
    print(f"Your own models are in {user_folder()}")


def _add(args: argparse.Namespace) -> None:
    entry = add_model(args.file, args.name)
    print(_text(entry))
    print(f"Use it with: segment --model {entry.name}")


def _remove(args: argparse.Namespace) -> None:
    print(f"Removed {remove_model(args.name)}")


def _text(entry: ModelEntry) -> str:
    origin = "shipped" if entry.shipped else "yours"
    try:
        if entry.spec is None:
            raise SegMambaError(entry.problem)
        spec, data = read_checked_spec(entry.path)
    except SegMambaError as error:
        return f"{entry.name} ({origin}): of no use. {error}"
    size = f"{len(data) / 1e6:.1f} MB"
    lines = [
        f"{entry.name} ({origin}, network {spec.network}, {size}, checksum right)",
        f"    gives {', '.join(spec.outputs)} from {', '.join(spec.channels)} at"
        f" {' x '.join(f'{mm:g}' for mm in spec.spacing)} mm",
    ]
    facts = {"trained": spec.training, "date": spec.date, "license": spec.licence}
    lines += [f"    {title}: {value}" for title, value in facts.items() if value]
    return "\n".join([*lines, *_figures(spec)])


def _figures(spec: ModelSpec) -> list[str]:
    return [
        f"    held-out run of the recipe, {line.statistic} of {line.cases} cases, {line.way}: "
        + "; ".join(
            f"{title} {', '.join(f'{region} {value:{form}}' for region, value in values.items())}"
            for title, values, form in (("Dice", line.dice, ".3f"), ("HD95 mm", line.hd95_mm, ".1f"))
        )
        for line in held_out_figures(spec)
    ]
