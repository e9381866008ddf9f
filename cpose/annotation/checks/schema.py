"""All fields of an annotation file that are missing or wrong, not the first alone."""

from collections.abc import Callable
from typing import Any, TypeVar

from cpose.annotation.checks.issues import ERROR, Issue
from cpose.datasets.annotations.annotation import INTRINSICS, read_intrinsics
from cpose.datasets.annotations.object_fields import (
    is_solid,
    read_class_name,
    read_keypoints_3d,
    read_pose,
    read_projected_cuboid,
    read_scale,
    read_symmetric,
    read_visibility,
)
from cpose.error_places import NO_VALUE, FilePlace, shown
from cpose.errors import DataError
from cpose.files.json_files import JsonFields

T = TypeVar('T')
OBJECT_READERS: tuple[Callable[[JsonFields], Any], ...] = (
    read_projected_cuboid,
    read_pose,
    read_scale,
    read_visibility,
    read_class_name,
    read_symmetric,
)
FORMS = {
    'objects': 'a list with an entry for each object, [] for none',
    'camera_data': 'an object with width, height and intrinsics',
    'width': 'the width of the image in pixels',
    'height': 'the height of the image in pixels',
    'intrinsics': 'an object with fx, fy, cx and cy in pixels, or leave it out',
    'fx': 'the horizontal focal length in pixels',
    'fy': 'the vertical focal length in pixels',
    'cx': 'the column of the principal point in pixels',
    'cy': 'the row of the principal point in pixels',
    'projected_cuboid': 'nine [x, y] in pixels: the centre, then the corners',
    'keypoints_3d': 'nine [x, y, z]: the centre, then the corners',
    'location': 'three numbers: the centre in the frame of the camera',
    'quaternion_xyzw': 'four numbers: x, y, z, w',
    'scale': 'three numbers above 0: the extents along x, y and z',
    'visibility': 'a number from 0 to 1, or leave it out',
    'class': 'the name of the category as text, or leave it out',
    'symmetric': 'true, false or a number of equal views, or leave it out',
}
"""What to give, by field."""


def find_schema_errors(content: Any, path: str) -> list[DataError]:
    """Return what is missing or wrong in a file, an error for each field; see `parse_annotation`.

    Args:
        content: What the JSON parser returned.
        path: File name for messages.
    """
    found: list[DataError] = []

    def attempt(read: Callable[..., T], *args: Any) -> T | None:
        try:
            return read(*args)
        except DataError as error:
            found.append(error)
            return None

    root = attempt(JsonFields, content, path)
    if root is None:
        return found
    camera = attempt(root.fields, 'camera_data')
    if camera is not None:
        for name in ('width', 'height'):
            attempt(camera.positive_int, name)
        _read_lens(camera, attempt)
    objects = root.get('objects')
    if not isinstance(objects, list):
        attempt(root.list_of_fields, 'objects')
        return found
    for number, item in enumerate(objects):
        fields = attempt(JsonFields, item, path, f'objects[{number}].')
        if fields is not None:
            _read_object(fields, attempt)
    return found


def _read_lens(camera: JsonFields, attempt: Callable[..., Any]) -> None:
    """Read the intrinsics number by number where they are numbers."""
    if not isinstance(camera.get('intrinsics'), dict):
        attempt(read_intrinsics, camera)
        return
    fields = camera.fields('intrinsics')
    wrong = [name for name in INTRINSICS if attempt(fields.array, name, ()) is None]
    if not wrong:
        attempt(read_intrinsics, camera)


def _read_object(fields: JsonFields, attempt: Callable[..., Any]) -> None:
    for read in OBJECT_READERS:
        attempt(read, fields)
    keypoints = attempt(read_keypoints_3d, fields)
    if keypoints is not None and fields.has('keypoints_3d') and not is_solid(keypoints[1:]):
        attempt(_refuse_flat, fields)


def _refuse_flat(fields: JsonFields) -> None:
    raise fields.error('keypoints_3d', 'must span a cuboid, with no edge of length 0')


def schema_issues(error: DataError, content: Any, path: str) -> list[Issue]:
    """Return why a file cannot be read, an issue for each field.

    Args:
        error: What `parse_annotation` raised, whose words are those of the first field.
        content: What the JSON parser returned.
        path: File name for messages.
    """
    first = _field(error)
    others = [item for item in find_schema_errors(content, path) if _field(item) != first]
    return [describe_schema_error(item) for item in (error, *others)]


def describe_schema_error(error: DataError) -> Issue:
    """Return an error of a file as an issue: field, problem, value, and what to do."""
    name = _field(error)
    value = '' if error.value is NO_VALUE else f', not {shown(error.value)}'
    form = FORMS.get(name.rpartition('.')[2])
    advice = f'; give {form}' if form else ''
    problem = f'{error.problem.rstrip(".")}{value}{advice}'
    return Issue(ERROR, 'schema', name, problem, is_blocking=True)


def _field(error: DataError) -> str:
    place = error.place.field if isinstance(error.place, FilePlace) else ''
    return place or 'annotation'
