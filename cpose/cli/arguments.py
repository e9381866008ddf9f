"""Arguments that several commands share, written once."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from mmengine.config import DictAction


def add_config(parser: ArgumentParser) -> None:
    """Add CONFIG and its overrides."""
    parser.add_argument(
        'config',
        metavar='CONFIG',
        help="config file or the name of a shipped one; '-' takes it from the checkpoint",
    )
    add_cfg_options(parser)


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add overrides by dotted key."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override config keys, for example train_dataloader.batch_size=8',
    )


def add_checkpoint(parser: ArgumentParser) -> None:
    """Add CHECKPOINT."""
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='model file')


def add_device(parser: ArgumentParser) -> None:
    """Add the device."""
    parser.add_argument(
        '--device', default=None, help='for example cpu or cuda:0; default: a GPU if there is one'
    )


def add_launcher(parser: ArgumentParser) -> None:
    """Add how several processes are started."""
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm'),
        default='none',
        help='set by tools/dist_*.sh (torchrun: pytorch) and tools/slurm_*.sh',
    )


def positive_int(text: str) -> int:
    """Parse a whole number above 0.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return int(_checked(text, int, lambda value: value > 0, 'a whole number above 0'))


def probability(text: str) -> float:
    """Parse a number from 0 to 1.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return float(_checked(text, float, lambda value: 0 <= value <= 1, 'a number from 0 to 1'))


def _checked(text: str, parse: Any, accept: Any, wanted: str) -> Any:
    try:
        value = parse(text)
    except ValueError:
        value = None
    if value is None or not accept(value):
        raise ArgumentTypeError(f'{text!r} is not {wanted}')
    return value
