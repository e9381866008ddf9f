"""The option of commands that write a model for NVIDIA Triton too."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_triton(parser: ArgumentParser) -> None:
    """Add the folder of the model repository."""
    parser.add_argument('--triton', metavar='DIR', help='write a Triton model repository too')


def check_triton(args: Namespace, is_onnx: bool) -> None:
    """Check before long work that the repository of ``--triton`` can be written, if it is given.

    Raises:
        UserError: If it cannot.
    """
    from cpose.deploy.triton_repository import check_triton_files

    if args.triton:
        check_triton_files(args.triton, Path(args.out).stem, is_onnx, args.force)


def write_triton(args: Namespace) -> None:
    """Write the repository of ``--triton``, if it is given, from the file of ``--out``.

    Raises:
        UserError: If it cannot be written.
    """
    from cpose.deploy.triton_repository import write_triton_repository

    if args.triton:
        name = Path(args.out).stem
        folder = write_triton_repository(args.out, args.triton, name, args.force)
        sys.stdout.write(f'Triton model repository: {folder}\n')
