"""Write annotations anew in the conventions of the format, where their meaning is certain."""

import copy
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.checking import CheckedFile
from cpose.datasets.annotations.annotation import find_convention, read_fields
from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.table import Convention, apply_convention, apply_steps
from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.files.atomic import write_text_atomic
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


def prepare_fix(root: str, out: str) -> Path:
    """Create the folder of the corrected files.

    Raises:
        OutputError: If it is there and not empty, lies inside the folder of the files, or cannot
            be made.
    """
    target = Path(out)
    if Path(os.path.realpath(root)) in (path := Path(os.path.realpath(out)), *path.parents):
        raise OutputError(
            'lies in the folder that is checked',
            argument='fix',
            place=FilePlace(target),
            advice='Give a folder outside',
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        has_content = any(target.iterdir())
    except OSError as error:
        raise unwritable(target, error, 'Give another folder', argument='fix') from error
    if has_content:
        raise OutputError(
            'is not empty', argument='fix', place=FilePlace(target), advice='Give a new folder'
        )
    return target


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
    is_certain = all(item.step or not item.is_used for item in checked.findings)
    if checked.errors or not is_certain or checked.annotation_path is None:
        return False
    content = read_json(os.path.join(root, checked.annotation_path))
    steps = [item.step for item in checked.findings if item.step]
    fixed = fix_annotation(content, steps, convention)
    write_text_atomic(out / checked.annotation_path, [json.dumps(fixed, indent=1), '\n'])
    target = out / checked.path
    try:
        shutil.copyfile(os.path.join(root, checked.path), target)
    except OSError as error:
        raise unwritable(target, error, 'Make room') from error
    return True


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
