"""Read one annotation file (TAO, NVlabs, Isaac Sim and other Objectron-derived JSON).

Foreign conventions end here: projection matrices of the quarter-turned Objectron camera become
pixel projections, locations with quaternions become keypoints, and what the ``convention`` of a
data set names becomes what this project has. Letters: N objects.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cpose.datasets.annotations.extras import stack_extras
from cpose.datasets.annotations.object_fields import (
    OBJECT_FIELDS,
    is_solid,
    make_keypoints_gl,
    read_class_name,
    read_keypoints_3d,
    read_pose,
    read_projected_cuboid,
    read_scale,
    read_symmetric,
    read_visibility,
)
from cpose.datasets.conventions.consistency import Finding
from cpose.datasets.conventions.explanations import check_fields
from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.names import isaac_convention
from cpose.datasets.conventions.table import Convention, apply_convention
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.geometry.projection import DISTORTION_LENGTHS
from cpose.structures.camera import intrinsic_matrix, pixel_projection
from cpose.structures.pose_data_sample import CuboidAnnotations

LENS = 'distortion'
"""Field of ``camera_data``: an extension of the format."""
INTRINSICS = ('fx', 'fy', 'cx', 'cy')


@dataclass(frozen=True)
class Annotation:
    """What one annotation file says.

    Attributes:
        image_wh: Width and height of the image, pixels.
        intrinsics: (3, 3) pixels, or None if absent.
        projection: (3, 3) pixels from OpenCV camera points, or None if absent. Files made from
            Objectron have a projection matrix that differs from their intrinsics by about two
            pixels; without one this equals ``intrinsics``.
        distortion: Lens coefficients k1 k2 p1 p2 ... of the annotated pixels, or None.
        class_names: Class of each object, None where absent.
        symmetric: Field ``symmetric`` of each object, see `parse_symmetric`.
        cuboids: The objects, labels all 0.
        fields: The geometry after the convention, for `check_fields`.
        notes: What of the file is left aside.
    """

    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None
    projection: np.ndarray | None
    distortion: np.ndarray | None
    class_names: tuple[str | None, ...]
    symmetric: tuple[bool | int | None, ...]
    cuboids: CuboidAnnotations
    fields: AnnotationFields = field(repr=False)
    notes: tuple[Finding, ...] = ()


def read_annotation(path: str | Path, convention: Convention | None = None) -> Annotation:
    """Read and check one annotation file.

    Optional are ``AR_data``, ``camera_view_matrix``, the camera matrices, and of an object
    ``class``, ``visibility``, ``symmetric`` and ``keypoints_3d``, which is rebuilt from
    ``location``, ``quaternion_xyzw`` and ``scale`` where possible and is NaN otherwise. A cup
    that NVlabs' tools mark with ``mug`` has a handle: without ``symmetric`` it counts as false.
    Other fields of objects that hold numbers are kept, see `stack_extras`. What nothing needs does
    not decide about the file: a ground plane or a projection matrix that is none counts as absent,
    a visibility out of 0 to 1 as 1, with a note.

    Args:
        path: The file.
        convention: How the file is written, see `apply_convention`. Files of Isaac Sim's writer,
            which have a field ``keypoint_order``, are read as it writes them.

    Raises:
        DataError: If the file cannot be read or a field is missing or wrong.
        ConfigError: If there is no such convention.
    """
    return parse_annotation(read_json(path, MOST_BYTES), str(path), convention)


def parse_annotation(content: Any, path: str, convention: Convention | None = None) -> Annotation:
    """Check the parsed JSON of one file, see `read_annotation`.

    Args:
        content: What the JSON parser returned.
        path: File name for messages.
        convention: See `read_annotation`.
    """
    root = JsonFields(content, path)
    objects = root.list_of_fields('objects')
    notes: list[Finding] = []
    fields = read_fields(root, objects, notes)
    for forms in (find_convention(root), convention):
        if forms:
            fields = apply_convention(fields, forms)
    intrinsics = None if fields.intrinsics is None else intrinsic_matrix(*fields.intrinsics)
    projection = _projection(fields, notes)
    cuboids = CuboidAnnotations(
        labels=np.zeros(len(objects), dtype=np.int64),
        keypoints_gl=_stack(_keypoints_gl(fields, objects), (9, 3)),
        keypoints_image=fields.projected_cuboid,
        dims_metric=fields.scale,
        visibility=_visibility(fields, notes),
        plane_gl=fields.plane,
        extras=stack_extras([item.rest(OBJECT_FIELDS) for item in objects]),
    )
    return Annotation(
        image_wh=fields.image_wh,
        intrinsics=projection if intrinsics is None else intrinsics,
        projection=intrinsics if projection is None else projection,
        distortion=fields.distortion,
        class_names=tuple(read_class_name(item) for item in objects),
        symmetric=tuple(read_symmetric(item) for item in objects),
        cuboids=cuboids,
        fields=fields,
        notes=tuple(notes),
    )


def find_convention(root: JsonFields) -> Convention:
    """Return how a file is written that says so, or that a known program wrote."""
    names = root.get('keypoint_order')
    return (isaac_convention(names) if isinstance(names, list) else None) or {}


def read_fields(
    root: JsonFields, objects: list[JsonFields], notes: list[Finding]
) -> AnnotationFields:
    """Read the geometry of a file as it is written.

    Args:
        root: The file.
        objects: Its objects.
        notes: Receives what is left aside.
    """
    camera = root.fields('camera_data')
    image_wh = (camera.positive_int('width'), camera.positive_int('height'))
    poses = [read_pose(item) for item in objects]
    return AnnotationFields(
        image_wh=image_wh,
        intrinsics=read_intrinsics(camera),
        projection_matrix=_projection_matrix(camera, notes),
        distortion=_distortion(camera, notes),
        plane=_ground_plane(root, notes),
        keypoints_3d=_stack([read_keypoints_3d(item) for item in objects], (9, 3)),
        projected_cuboid=_stack([read_projected_cuboid(item) for item in objects], (9, 2)),
        scale=_stack([read_scale(item) for item in objects], (3,)),
        location=_stack([location for location, _ in poses], (3,)),
        quaternion=_stack([quaternion for _, quaternion in poses], (4,)),
        visibility=np.array([read_visibility(item) for item in objects], dtype=np.float64),
    )


def _stack(rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.array(rows) if rows else np.zeros((0, *shape))


def _keypoints_gl(fields: AnnotationFields, objects: list[JsonFields]) -> list[np.ndarray]:
    """Return the keypoints of each object; what spans no cuboid is refused with its cause."""
    keypoints = []
    for number, item in enumerate(objects):
        given = fields.keypoints_3d[number]
        if item.has('keypoints_3d') and not is_solid(given[1:]):
            raise _no_cuboid(item, check_fields(fields))
        keypoints.append(
            make_keypoints_gl(
                given, fields.location[number], fields.quaternion[number], fields.scale[number]
            )
        )
    return keypoints


def _no_cuboid(item: JsonFields, findings: list[Finding]) -> DataError:
    """Return the error of points that span no cuboid, as they do in some other orders."""
    error = item.error('keypoints_3d', 'must span a cuboid, with no edge of length 0')
    steps = [found.step for found in findings if found.step]
    if steps:
        words = ', '.join(f'{field}={form!r}' for field, form in steps)
        error.problem += f': {"; ".join(str(found) for found in findings if found.form)}'
        error.advice = (f'Set {{convention}}=dict({words}) for the data set', *error.advice)
    return error


def read_intrinsics(camera: JsonFields) -> np.ndarray | None:
    """Return fx, fy, cx, cy (4,), also from a 3×3 matrix or its transpose."""
    if not camera.has('intrinsics'):
        return None
    if isinstance(camera.get('intrinsics'), list):
        matrix = camera.array('intrinsics', (3, 3))
        matrix = matrix.T if matrix[2, :2].any() and not matrix[:2, 2].any() else matrix
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or matrix[2].tolist() != [0, 0, 1]:
            raise camera.error('intrinsics', 'must be a camera matrix, pixels')
        return matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
    fields = camera.fields('intrinsics')
    fx, fy, cx, cy = (float(fields.array(name, ())) for name in INTRINSICS)
    if fx <= 0 or fy <= 0:
        raise fields.error('fx' if fx <= 0 else 'fy', 'must be positive, pixels')
    return np.array([fx, fy, cx, cy])


def _projection_matrix(camera: JsonFields, notes: list[Finding]) -> np.ndarray | None:
    name = 'camera_projection_matrix'
    if not camera.has(name):
        return None
    try:
        return camera.array(name, (4, 4))
    except DataError as error:
        notes.append(_left_aside(f'camera_data.{name}', error.problem))
        return None


def _distortion(camera: JsonFields, notes: list[Finding]) -> np.ndarray | None:
    """Return the lens coefficients (K,), None without any."""
    if not camera.has(LENS):
        return None
    values = camera.get(LENS)
    try:
        lens = camera.array(LENS, (len(values) if isinstance(values, list) else 5,))
    except DataError as error:
        notes.append(_left_aside(f'camera_data.{LENS}', error.problem))
        return None
    if len(lens) not in DISTORTION_LENGTHS:
        problem = f'has {len(lens)} numbers, expected {DISTORTION_LENGTHS} of OpenCV'
        notes.append(_left_aside(f'camera_data.{LENS}', problem))
        return None
    return lens if lens.any() else None


def _projection(fields: AnnotationFields, notes: list[Finding]) -> np.ndarray | None:
    """Return (3, 3), pixels from OpenCV points by the projection matrix, None if it is none."""
    if fields.projection_matrix is None:
        return None
    projection = pixel_projection(fields.projection_matrix, fields.image_wh)
    if projection is None:
        problem = 'must be an OpenGL perspective matrix, row by row'
        notes.append(_left_aside('camera_data.camera_projection_matrix', problem))
    return projection


def _ground_plane(root: JsonFields, notes: list[Finding]) -> np.ndarray | None:
    """Return a point and the normal (2, 3), None where there is no plane; zeros are none."""
    if not root.has('AR_data'):
        return None
    try:
        plane = root.fields('AR_data')
        if not (plane.has('plane_center') or plane.has('plane_normal')):
            return None
        normal = plane.array('plane_normal', (3,))
        if not normal.any():
            raise plane.error('plane_normal', 'is zero, so there is no ground plane')
        return np.stack([plane.array('plane_center', (3,)), normal])
    except DataError as error:
        place = error.place.field if isinstance(error.place, FilePlace) else 'AR_data'
        notes.append(_left_aside(place, error.problem))
        return None


def _visibility(fields: AnnotationFields, notes: list[Finding]) -> np.ndarray:
    is_known = (fields.visibility >= 0) & (fields.visibility <= 1)
    if is_known.all():
        return fields.visibility
    rows = np.flatnonzero(~is_known)
    notes.append(
        Finding(
            field='visibility',
            cause='must be from 0 to 1; other values count as 1',
            magnitude=float(fields.visibility[rows[0]]),
            objects=tuple(rows.tolist()),
            is_used=False,
        )
    )
    return np.where(is_known, fields.visibility, 1.0)


def _left_aside(field: str, problem: str) -> Finding:
    return Finding(field=field, cause=f'{problem}; it counts as absent', is_used=False)
