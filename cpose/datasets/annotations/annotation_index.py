"""The annotations of a folder: found, read, checked and remembered."""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.annotation_table import (
    IMAGE_DTYPE,
    OBJECT_DTYPE,
    AnnotationTable,
    PackedStrings,
)
from cpose.datasets.annotations.contradictions import ContradictionSearch, pack_findings
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.file_index import (
    FolderFiles,
    ImageFile,
    read_image_list,
    scan_folder,
)
from cpose.datasets.conventions.table import Convention
from cpose.error_places import FilePlace
from cpose.errors import DAMAGED_ARRAY_ERRORS, DataError
from cpose.files.atomic import atomic_file
from cpose.files.user_cache import cache_folder

CACHE_NAME = '.cpose_index.npz'
CACHE_VERSION = 5
"""Raise it when the reader of annotations changes its mind about anything."""


def cache_paths(root: str, convention: Convention | None = None) -> tuple[Path, Path]:
    """Return where the index of a folder may be kept: beside the data, in the user's cache.

    Args:
        root: The folder.
        convention: How its files are written; each has an index of its own.
    """
    digest = hashlib.sha256(os.path.realpath(root).encode('utf-8', 'surrogateescape'))
    name = CACHE_NAME
    if convention:
        text = json.dumps(dict(convention), sort_keys=True, default=list).encode()
        digest.update(text)
        name = f'.cpose_index_{hashlib.sha256(text).hexdigest()[:8]}.npz'
    return Path(root, name), cache_folder() / f'index-{digest.hexdigest()[:24]}.npz'


def load_cache(root: str, convention: Convention | None = None) -> AnnotationTable | None:
    """Return the table saved last for a folder, None if there is none that can be used.

    The caller compares the keys of its entries with the files.
    """
    existing = [path for path in cache_paths(root, convention) if path.is_file()]
    for path in sorted(existing, key=lambda item: item.stat().st_mtime_ns, reverse=True):
        try:
            return _read_file(path)
        except (OSError, *DAMAGED_ARRAY_ERRORS) as error:
            print_log(f'Index {path} is left aside: {error}', logger='current')
    return None


def save_cache(root: str, table: AnnotationTable, convention: Convention | None = None) -> None:
    """Save a table beside the data, else in the user's cache folder; a failure is only logged."""
    failures = []
    for path in cache_paths(root, convention):
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


def _read_file(path: Path) -> AnnotationTable:
    with zipfile.ZipFile(path) as archive:
        if any(item.file_size > item.compress_size for item in archive.infolist()):
            raise ValueError('it is compressed')
    with np.load(path, allow_pickle=False) as content:
        if int(content['version']) != CACHE_VERSION:
            raise ValueError('it is of another version')
        images, objects = content['images'], content['objects']
        paths = PackedStrings(content['path_text'], content['path_ends'])
        extras = PackedStrings(content['extra_text'], content['extra_ends'])
        findings = PackedStrings(content['finding_text'], content['finding_ends'])
    if images.dtype != IMAGE_DTYPE or objects.dtype != OBJECT_DTYPE:
        raise ValueError('its fields differ')
    num_objects = images['num_objects'].sum()
    if not all(strings.is_whole() for strings in (paths, extras, findings)):
        raise ValueError('its texts are damaged')
    if not len(paths) == len(findings) == len(images):
        raise ValueError('its lengths differ')
    if not len(extras) == len(objects) == num_objects:
        raise ValueError('its lengths differ')
    return AnnotationTable(paths, images, objects, extras, findings)


def _write(path: Path, table: AnnotationTable) -> None:
    with atomic_file(path) as file:
        np.savez(
            file,
            version=np.array(CACHE_VERSION),
            path_text=table.paths.text,
            path_ends=table.paths.ends,
            images=table.images,
            objects=table.objects,
            extra_text=table.extras.text,
            extra_ends=table.extras.ends,
            finding_text=table.findings.text,
            finding_ends=table.findings.ends,
        )


CHUNK = 2000
"""Files read before they are packed, which bounds the memory of the first start."""


def index_folder(
    root: str,
    problems: DataProblems,
    require_annotation: bool = True,
    convention: Convention | None = None,
) -> AnnotationTable:
    """Return the annotations of all usable images of a folder and its sub-folders.

    Files that have not changed since the last time come from the index kept on disk.

    Args:
        root: Folder with images and JSON files of the same stem.
        problems: Receives the files that cannot be used.
        require_annotation: Whether an image without a JSON file is a problem.
        convention: How the files are written, see `apply_convention`.

    Returns:
        Paths relative to ``root``, sorted.
    """
    usable = _usable_images(scan_folder(root), problems, require_annotation)
    cached = load_cache(root, convention)
    rows = _match(cached, usable)
    unread = [image for image, row in zip(usable, rows, strict=True) if row < 0]
    if cached is not None and not unread and np.array_equal(rows, np.arange(len(cached))):
        return cached
    read = _read_all(root, unread, problems, convention)
    old = [] if cached is None else [cached.select(rows[rows >= 0])]
    table = AnnotationTable.concatenate([*old, *read])
    paths = np.array(table.paths.tolist(), dtype=object)
    table = table.select(np.argsort(paths, kind='stable'))
    num_new = sum(len(part) for part in read)
    if num_new or cached is None or len(table) != len(cached):
        save_cache(root, table, convention)
    return table


def choose_images(
    table: AnnotationTable, list_path: str, problems: DataProblems
) -> AnnotationTable:
    """Return the images of a folder that a list names, in the order of their paths.

    Args:
        table: All usable images of the folder.
        list_path: See `read_image_list`.
        problems: Of the folder; those of other images are dropped.

    Raises:
        DataError: If the list cannot be read, or names an image that the folder does not hold.
    """
    wanted = read_image_list(list_path)
    problems.keep_only(wanted)
    rows = {path: row for row, path in enumerate(table.paths.tolist())}
    for path, line in wanted.items():
        if path not in rows and path not in problems:
            raise DataError(
                f'names {path!r}, which is no image of the data folder',
                place=FilePlace(list_path, line=line),
                advice='Write paths relative to {data_root}',
            )
    return table.select(np.array(sorted(rows[path] for path in wanted if path in rows), np.int64))


def _usable_images(
    files: FolderFiles, problems: DataProblems, require_annotation: bool
) -> list[ImageFile]:
    for path in files.lonely_annotations:
        other = files.unread.get(path)
        detail = f'{path} (formats such as that of {other} are not read)' if other else None
        problems.add('annotation without an image', path, detail)
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
    root: str,
    images: Sequence[ImageFile],
    problems: DataProblems,
    convention: Convention | None,
) -> list[AnnotationTable]:
    if len(images) > CHUNK:
        print_log(f'Reading {len(images)} annotations of {root}.', logger='current')
    tables = [AnnotationTable.build([], [], [])]
    search = ContradictionSearch()
    for start in range(0, len(images), CHUNK):
        paths: list[str] = []
        keys: list[tuple[int, int, int, int]] = []
        annotations: list[Annotation | None] = []
        for image in images[start : start + CHUNK]:
            try:
                annotations.append(_read(root, image, convention))
            except DataError as error:
                problems.add('invalid annotation', image.path, str(error))
            else:
                paths.append(image.path)
                keys.append(image.key)
        findings = [pack_findings(found) for found in search.find(annotations)]
        tables.append(AnnotationTable.build(paths, keys, annotations, findings))
    return tables


def _read(root: str, image: ImageFile, convention: Convention | None) -> Annotation | None:
    if image.annotation_path is None:
        return None
    return read_annotation(os.path.join(root, image.annotation_path), convention)
