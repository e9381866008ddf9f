"""Write annotations anew in the conventions of the format, where their meaning is certain."""

import copy
import json
import os
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.checks.checking import CheckedFile
from cpose.datasets.annotations.annotation import find_convention, read_fields
from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.table import Convention, apply_convention, apply_steps
from cpose.errors import unwritable
from cpose.files.atomic import write_text_atomic
from cpose.files.image_header import (
    EXIF,
    EXIF_MARKER,
    JPEG_START,
    ORIENTATION_TAG,
    jpeg_segments,
)
from cpose.files.json_files import JsonFields
from cpose.files.text_files import read_json

WRITTEN_NAMES = {
    'projected_cuboid': 'projected_cuboid',
    'keypoints_3d': 'keypoints_3d',
    'location': 'location',
    'quaternion_xyzw': 'quaternion',
    'scale': 'scale',
    'visibility': 'visibility',
}
"""Attribute of `AnnotationFields` by field of an object."""

JUDGING = {'test': 0, 'val': 1}
"""Parts of the data of whose copies one stays, the first one first."""


def fix_file(
    root: str, out: Path, checked: CheckedFile, convention: Convention | None = None
) -> bool:
    """Write one image and its annotation to another folder.

    Files are left out of which something is not certain: they cannot be read, or a contradiction is
    not explained.

    Args:
        root: Folder of the files.
        out: Folder of the corrected ones.
        checked: What was found.
        convention: With which it was found.

    Returns:
        Whether it was written.

    Raises:
        OutputError: If it cannot be written.
    """
    if checked.errors or checked.annotation_path is None:
        return False
    content = read_json(os.path.join(root, checked.annotation_path))
    steps = [item.step for item in checked.findings if item.step]
    fixed = fix_annotation(content, steps, convention)
    write_text_atomic(out / checked.annotation_path, [json.dumps(fixed, indent=1), '\n'])
    _copy_picture(os.path.join(root, checked.path), out / checked.path, checked)
    return True


def find_copies(root: str, files: Sequence[CheckedFile]) -> dict[str, str]:
    """Find pictures that are in a folder more than once, with the same annotation each time.

    The one that stays is one to judge by, if there is one, so that those numbers stay comparable;
    else the first.
    Where annotations differ nobody knows which is right, and none is a copy.

    Args:
        root: Folder of the files.
        files: What was found in it.

    Returns:
        The path of the picture that stays by that of each other one.
    """
    same: dict[tuple[str, str], list[CheckedFile]] = defaultdict(list)
    for item in files:
        if item.digest and item.annotation_path is not None and not item.errors:
            content = read_json(os.path.join(root, item.annotation_path))
            same[item.digest, json.dumps(content, sort_keys=True)].append(item)
    copies = {}
    for items in same.values():
        first, *others = sorted(items, key=_rank)
        copies.update({item.path: first.path for item in others})
    return dict(sorted(copies.items()))


def _rank(item: CheckedFile) -> tuple[int, str]:
    return JUDGING.get(item.source.part, len(JUDGING)), item.path


def write_copies(path: Path, copies: Mapping[str, str]) -> None:
    """Write which picture was left out as a copy of which, a line each.

    Raises:
        OutputError: If it cannot be written.
    """
    write_text_atomic(path, [f'{copy}\tcopy of {first}\n' for copy, first in copies.items()])


def _copy_picture(source: str, target: Path, checked: CheckedFile) -> None:
    """Copy a picture; a JPEG whose annotation ignores its EXIF turn loses the turn."""
    try:
        if any(item.kind == 'exif_ignored' for item in checked.issues):
            target.write_bytes(without_turn(Path(source).read_bytes()))
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        raise unwritable(target, error, 'Make room') from error


def without_turn(content: bytes) -> bytes:
    """Return a JPEG whose EXIF orientation is 1, without any other change.

    Args:
        content: The file; other formats are returned as they are.
    """
    if not content.startswith(JPEG_START):
        return content
    changed = bytearray(content)
    for marker, start, end in jpeg_segments(content):
        if marker == EXIF_MARKER and content[start : start + len(EXIF)] == EXIF:
            for place, order in _orientation_places(content[start + len(EXIF) : end]):
                struct.pack_into(f'{order}H', changed, start + len(EXIF) + place, 1)
    return bytes(changed)


def _orientation_places(exif: bytes) -> Iterator[tuple[int, str]]:
    """Yield offset and byte order of the orientation in the first directory of EXIF data."""
    order = '<' if exif.startswith(b'II') else '>'
    (start,) = struct.unpack_from(f'{order}L', exif, 4)
    (count,) = struct.unpack_from(f'{order}H', exif, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from(f'{order}H', exif, entry)[0] == ORIENTATION_TAG:
            yield entry + 8, order


def fix_annotation(
    content: Mapping[str, Any], steps: list[tuple[str, str]], convention: Convention | None = None
) -> dict[str, Any]:
    """Return the content of an annotation file in the conventions of the format.

    Args:
        content: Parsed JSON.
        steps: Field and form of the table of conventions, undone one after another.
        convention: Undone before.
    """
    root = JsonFields(content, '')
    objects = root.list_of_fields('objects')
    before = read_fields(root, objects, [])
    fields = apply_convention(before, find_convention(root))
    fields = apply_convention(fields, convention or {})
    return _written(content, before, apply_steps(fields, steps))


def _written(
    content: Mapping[str, Any], before: AnnotationFields, after: AnnotationFields
) -> dict[str, Any]:
    """Return the content with the fields that changed; others keep all their digits."""
    fixed = copy.deepcopy(dict(content))
    fixed.pop('keypoint_order', None)
    camera = fixed['camera_data']
    if not _is_same(before.intrinsics, after.intrinsics):
        assert after.intrinsics is not None
        names = ('fx', 'fy', 'cx', 'cy')
        camera['intrinsics'] = dict(zip(names, after.intrinsics.tolist(), strict=True))
    if after.projection_matrix is None:
        camera.pop('camera_projection_matrix', None)
    elif not _is_same(before.projection_matrix, after.projection_matrix):
        camera['camera_projection_matrix'] = after.projection_matrix.tolist()
    if after.plane is None:
        fixed.pop('AR_data', None)
    elif not _is_same(before.plane, after.plane):
        center, normal = after.plane.tolist()
        fixed['AR_data'] = {'plane_center': center, 'plane_normal': normal}
    for number, item in enumerate(fixed['objects']):
        _write_object(item, number, before, after)
    return fixed


def _write_object(
    item: dict[str, Any], number: int, before: AnnotationFields, after: AnnotationFields
) -> None:
    if 'class' not in item and isinstance(item.get('label'), str):
        item['class'] = item.pop('label')
    for name, attribute in WRITTEN_NAMES.items():
        old, new = getattr(before, attribute)[number], getattr(after, attribute)[number]
        if name in item and not _is_same(old, new):
            item[name] = new.tolist()
    if not 0 <= after.visibility[number] <= 1:
        item.pop('visibility', None)


def _is_same(old: np.ndarray | None, new: np.ndarray | None) -> bool:
    if old is None or new is None:
        return old is new
    return bool(np.array_equal(old, new, equal_nan=True))
