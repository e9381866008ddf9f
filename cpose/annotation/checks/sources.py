"""Which part of the data a picture belongs to, and which video and scene it is of.

Files may tell it in the text fields ``video`` and ``scene``; else their names do.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARTS = {
    'train': 'train', 'training': 'train', 'val': 'val', 'valid': 'val', 'validation': 'val',
    'test': 'test', 'testing': 'test', 'eval': 'test',
}  # fmt: skip
"""Folders that hold one part of a data set each."""
FRAME_NUMBER = re.compile(r'[-_. ]*\(?\d+\)?$')
PLAIN_STEMS = frozenset(
    (
        'img',
        'image',
        'dsc',
        'dscn',
        'dscf',
        'pxl',
        'photo',
        'picture',
        'pic',
        'rgb',
        'color',
        'frame',
    )
)
"""Beginnings of names that cameras and programs give to every picture."""


@dataclass(frozen=True)
class Source:
    """Where a picture comes from.

    Attributes:
        part: Part of the data set: train, val, test or a folder; empty without any.
        video: Name of the video, empty where nobody knows it.
        scene: Name of the scene, empty where nobody knows it.
        is_told: Whether the file itself tells its video.
    """

    part: str = ''
    video: str = ''
    scene: str = ''
    is_told: bool = False


def find_source(path: str, content: Mapping[str, Any] | None = None, part: str = '') -> Source:
    """Return what name and annotation of a picture say of its source.

    A video is the folder with the name up to the number of the frame, a scene is the folder.
    Folders that only tell the part of the data set do not count.

    Args:
        path: Of the picture, relative to the folder of the data set.
        content: Parsed annotation, for its fields ``video`` and ``scene``.
        part: Part of the data set, if it does not stand in the path.
    """
    folder, name = os.path.split(path)
    names = folder.split(os.sep)
    place = next((n for n, name in enumerate(names) if name.lower() in PARTS), None)
    if place is not None:
        part = PARTS[names[place].lower()]
        folder = os.path.join('', *names[:place], *names[place + 1 :])
    stem = FRAME_NUMBER.sub('', os.path.splitext(name)[0])
    stem = '' if stem.lower() in PLAIN_STEMS else stem
    told = {key: _text(content, key) for key in ('video', 'scene')}
    video = told['video'] or os.path.join(folder, stem)
    return Source(part, video, told['scene'] or folder, bool(told['video']))


def _text(content: Mapping[str, Any] | None, name: str) -> str:
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, str) else ''
