"""Options that say where metres come from."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from cpose.cli.arguments import positive_float
from cpose.cli.option_values import add_flags
from cpose.errors import ConfigError

EXTENTS = ('width', 'height', 'length')
SOURCES = (*EXTENTS, 'camera_height', 'marker', 'depth')
EXTENT = re.compile(r'(?:(?P<category>[^=]+)=)?(?P<metres>[^=±]+?)(?:(?:±|\+-)(?P<std>[^=±]+))?')
"""``0.21``, ``0.21±0.01`` or ``cup=0.1``."""


def add_scale_source(parser: ArgumentParser) -> None:
    """Add what is known in metres; only one source of it may be given."""
    group = parser.add_argument_group(
        'metres', 'one thing that is known in metres; without one, lengths are object heights'
    )
    for name, axis in zip(EXTENTS, ('x', 'y', 'z'), strict=True):
        group.add_argument(
            f'--{name}',
            nargs='+',
            metavar='M',
            help=f'extent of the objects along {axis}, such as 0.21 or 0.21±0.01; by category: '
            'cup=0.1 bottle=0.25',
        )
    group.add_argument(
        '--camera-height',
        type=positive_float,
        metavar='M',
        help='height of the camera above the plane on which the objects stand',
    )
    group.add_argument(
        '--camera-pitch',
        type=float,
        metavar='DEGREES',
        help='with --camera-height: how far the camera looks down; default: as the bases of the '
        'objects lie',
    )
    group.add_argument(
        '--marker',
        metavar='JSON',
        help='what was printed (ChArUco board, chessboard or ArUco marker) and lies where the '
        'objects stand',
    )
    group.add_argument(
        '--depth',
        metavar='DIR',
        help='depth images aligned with the images, of their names: 16-bit PNG in millimetres, or '
        'TIFF or NPY in metres',
    )
    flags = {'metres': '--camera-height', 'pitch_deg': '--camera-pitch'}
    add_flags(parser, {**flags, 'board': '--marker', 'folder': '--depth'})


def scale_source(args: Namespace) -> dict[str, Any] | None:
    """Return the config of the source, None without one.

    Raises:
        ConfigError: If several are given, or what is given does not fit together.
        DataError: If a file cannot be used.
    """
    from cpose.registry import SCALE_SOURCES

    config = _config_of(args)
    if config is not None:
        settings = {name: value for name, value in config.items() if name != 'type'}
        SCALE_SOURCES.get(config['type'])(**settings)  # errors of options, before a model is read
    return config


def _config_of(args: Namespace) -> dict[str, Any] | None:
    given = [name for name in SOURCES if getattr(args, name) is not None]
    _check_one(args, given)
    if args.camera_height is not None:
        return {
            'type': 'CameraHeight',
            'metres': args.camera_height,
            'pitch_deg': args.camera_pitch,
        }
    if args.marker is not None:
        return {'type': 'MarkerBoard', 'board': args.marker}
    if args.depth is not None:
        return {'type': 'DepthImages', 'folder': args.depth}
    if not given:
        return None
    return {
        'type': 'KnownDimensions',
        **{name: _read_extents(name, getattr(args, name)) for name in given},
    }


def _check_one(args: Namespace, given: list[str]) -> None:
    others = [name for name in given if name not in EXTENTS or given[0] not in EXTENTS]
    others = [name for name in others if name != given[0]]
    if others:
        flag = f'--{others[0].replace("_", "-")}'
        raise ConfigError(
            f'cannot be given together with {flag}: metres come from one source',
            argument=given[0],
            advice=(f'Leave {{{given[0]}}} out', f'Leave {{{others[0]}}} out'),
        )
    if given and args.no_pnp:
        raise ConfigError('needs poses', argument=given[0], advice='Leave {no_pnp} out')
    if args.camera_pitch is not None and args.camera_height is None:
        raise ConfigError(
            'tells no metres alone', argument='camera_pitch', advice='Give {camera_height} too'
        )


def _read_extents(name: str, words: list[str]) -> Any:
    """Return metres with their standard deviation, or these by category."""
    found: dict[str, Any] = {}
    for word in words:
        match = EXTENT.fullmatch(word)
        category = match['category'] or '' if match else ''
        numbers = _numbers(match.group('metres', 'std')) if match else []
        if not numbers or category in found:
            raise ConfigError(
                f'has {word!r}, which is no extent, or is there twice',
                argument=name,
                value=words,
                advice='Give metres such as 0.21 or 0.21±0.01, or cup=0.1 by category, and put '
                'inputs before the options',
            )
        found[category] = numbers
    return found[''] if list(found) == [''] else found


def _numbers(texts: Sequence[str | None]) -> list[float]:
    """Return the numbers of texts, none if one is not a number."""
    try:
        return [float(text) for text in texts if text]
    except ValueError:
        return []
