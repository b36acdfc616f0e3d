"""Convert a PyTorch state dictionary of the public SegMamba code into a model file. No code in it is run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.own_models import check_name, own_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and what can be told about it."""
    parser.add_argument("file", type=Path, metavar="FILE.pth", help="state dictionary saved by PyTorch")
    parser.add_argument(
        "--network", choices=["tom", "paper"], help="its design (default: told by the tensors' names)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--name", help="what to call it among your own models (default: the file's name)")
    where.add_argument("--output", type=Path, metavar="FILE", help="model file to write elsewhere instead")


def run(args: argparse.Namespace) -> int:
    """Convert, and say where the model is and how to use it."""
    if not args.file.is_file():
        problem = "this is a folder, not a file" if args.file.exists() else "there is no such file"
        raise SegMambaError(f"{args.file}: {problem}. Give a PyTorch state dictionary (.pth).")
    if args.output and args.output.suffix != ".safetensors":
        args.usage_error(f"the output must end in .safetensors: {args.output}")
    name = args.name or args.file.stem
    if not args.output:
        check_name(name)  # before the work

    from SegMambaCore.model_file.import_weights import import_weights
    from SegMambaCore.model_file.safetensors_file import write_model

    network, spec = import_weights(args.file, args.network)
    output = args.output or own_path(name)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_model(network, replace(spec, name=output.stem), output)
    except OSError as error:
        raise SegMambaError(
            f"{output.parent}: the folder cannot be made ({error.strerror or error})."
        ) from error
    except ValueError as error:
        raise SegMambaError(f"{args.file}: weights too large for fp16. {error}") from error
    print(f"{output}: network {spec.network}, {output.stat().st_size / 1e6:.0f} MB.")
    print(f"Use it with: segment --model {output if args.output else output.stem}")
    return 0
