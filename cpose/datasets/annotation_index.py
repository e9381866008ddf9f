"""The annotations of a folder: found, read, checked and remembered."""

import os
from collections.abc import Sequence

import numpy as np
from mmengine.logging import print_log

from cpose.datasets.annotation import Annotation, read_annotation
from cpose.datasets.annotation_table import AnnotationTable
from cpose.datasets.data_problems import DataProblems
from cpose.datasets.file_index import FolderFiles, ImageFile, scan_folder
from cpose.datasets.index_cache import load_cache, save_cache
from cpose.errors import DataError

CHUNK = 2000
"""Files read before they are packed, which bounds the memory of the first start."""


def index_folder(
    root: str, problems: DataProblems, require_annotation: bool = True
) -> AnnotationTable:
    """Return the annotations of all usable images of a folder and its sub-folders.

    Files that have not changed since the last time come from the index kept on disk.

    Args:
        root: Folder with images and JSON files of the same stem.
        problems: Receives the files that cannot be used.
        require_annotation: Whether an image without a JSON file is a problem.

    Returns:
        Paths relative to ``root``, sorted.
    """
    usable = _usable_images(scan_folder(root), problems, require_annotation)
    cached = load_cache(root)
    rows = _match(cached, usable)
    unread = [image for image, row in zip(usable, rows, strict=True) if row < 0]
    if cached is not None and not unread and np.array_equal(rows, np.arange(len(cached))):
        return cached
    read = _read_all(root, unread, problems)
    old = [] if cached is None else [cached.select(rows[rows >= 0])]
    table = AnnotationTable.concatenate([*old, *read])
    paths = np.array(table.paths.tolist(), dtype=object)
    table = table.select(np.argsort(paths, kind='stable'))
    num_new = sum(len(part) for part in read)
    if num_new or cached is None or len(table) != len(cached):
        save_cache(root, table)
    return table


def _usable_images(
    files: FolderFiles, problems: DataProblems, require_annotation: bool
) -> list[ImageFile]:
    for path in files.lonely_annotations:
        problems.add('annotation without an image', path)
    usable = []
    for image in files.images:
        if image.key[0] == 0:
            problems.add('empty image file', image.path)
        elif image.annotation_path is None and require_annotation:
            problems.add('image without an annotation', image.path)
        else:
            usable.append(image)
    return usable


def _match(cached: AnnotationTable | None, images: Sequence[ImageFile]) -> np.ndarray:
    """Return the row of each image in the cached table, −1 where it must be read."""
    if cached is None:
        return np.full(len(images), -1)
    row_of = {path: row for row, path in enumerate(cached.paths.tolist())}
    rows = np.array([row_of.get(image.path, -1) for image in images], dtype=np.int64)
    keys = np.array([image.key for image in images], dtype=np.int64).reshape(-1, 4)
    known = rows >= 0
    is_same = (cached.images['key'][rows[known]] == keys[known]).all(axis=1)
    rows[known] = np.where(is_same, rows[known], -1)
    return rows


def _read_all(
    root: str, images: Sequence[ImageFile], problems: DataProblems
) -> list[AnnotationTable]:
    if len(images) > CHUNK:
        print_log(f'Reading {len(images)} annotations of {root}.', logger='current')
    tables = [AnnotationTable.build([], [], [])]
    for start in range(0, len(images), CHUNK):
        paths: list[str] = []
        keys: list[tuple[int, int, int, int]] = []
        annotations: list[Annotation | None] = []
        for image in images[start : start + CHUNK]:
            try:
                annotations.append(_read(root, image))
            except DataError as error:
                problems.add('invalid annotation', image.path, str(error))
            else:
                paths.append(image.path)
                keys.append(image.key)
        tables.append(AnnotationTable.build(paths, keys, annotations))
    return tables


def _read(root: str, image: ImageFile) -> Annotation | None:
    if image.annotation_path is None:
        return None
    return read_annotation(os.path.join(root, image.annotation_path))
