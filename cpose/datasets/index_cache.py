"""Keep an annotation table on disk, so that the second start need not read every file."""

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from cpose.datasets.annotation_table import IMAGE_DTYPE, OBJECT_DTYPE, AnnotationTable
from cpose.datasets.packed_strings import PackedStrings
from cpose.file_writing import atomic_file

CACHE_NAME = '.cpose_index.npz'
CACHE_VERSION = 2
"""Raise it when the reader of annotations changes its mind about anything."""


def cache_paths(root: str) -> tuple[Path, Path]:
    """Return where the index of a folder may be kept: beside the data, in the user's cache."""
    home = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    digest = hashlib.sha256(os.path.realpath(root).encode('utf-8', 'surrogateescape'))
    return Path(root, CACHE_NAME), Path(home, 'cpose', f'index-{digest.hexdigest()[:24]}.npz')


def load_cache(root: str) -> AnnotationTable | None:
    """Return the table saved last for a folder, None if there is none that can be used.

    The caller compares the keys of its entries with the files.
    """
    existing = [path for path in cache_paths(root) if path.is_file()]
    for path in sorted(existing, key=lambda item: item.stat().st_mtime_ns, reverse=True):
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            print_log(f'Index {path} is left aside: {error}', logger='current')
    return None


def save_cache(root: str, table: AnnotationTable) -> None:
    """Save a table beside the data, else in the user's cache folder; a failure is only logged."""
    failures = []
    for path in cache_paths(root):
        try:
            _write(path, table)
        except OSError as error:
            failures.append(f'{path}: {error.strerror}')
        else:
            return
    print_log(
        f'No index of {root} could be kept, the next start reads all files again '
        f'({"; ".join(failures)}).',
        logger='current',
    )


def _read(path: Path) -> AnnotationTable:
    with np.load(path, allow_pickle=False) as content:
        if int(content['version']) != CACHE_VERSION:
            raise ValueError('it is of another version')
        images, objects = content['images'], content['objects']
        paths = PackedStrings(content['path_text'], content['path_ends'])
    if images.dtype != IMAGE_DTYPE or objects.dtype != OBJECT_DTYPE:
        raise ValueError('its fields differ')
    if len(paths) != len(images) or len(objects) != images['num_objects'].sum():
        raise ValueError('its lengths differ')
    return AnnotationTable(paths, images, objects)


def _write(path: Path, table: AnnotationTable) -> None:
    with atomic_file(path) as file:
        np.savez(
            file,
            version=np.array(CACHE_VERSION),
            path_text=table.paths.text,
            path_ends=table.paths.ends,
            images=table.images,
            objects=table.objects,
        )
