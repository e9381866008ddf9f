"""How annotation files may be written: camera frames, orders, units and matrices, by field.

One table of forms serves three callers: reading with the ``convention`` of a data set, the search
for what explains a contradiction, and the repair of files. Letters: N objects.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import permutations, product

import numpy as np

from cpose.errors import ConfigError, nearest_names
from cpose.geometry.rotation import matrix_from_quaternion, quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV, PROJECTION_FORMS, pixel_projection
from cpose.structures.cuboid import CORNER_SIGNS


@dataclass(frozen=True)
class AnnotationFields:
    """The geometry of one file as it is written; NaN where an object lacks a field.

    Attributes:
        image_wh: Width and height, pixels.
        intrinsics: (4,) fx, fy, cx, cy in pixels, or None.
        projection_matrix: (4, 4) of the field ``camera_projection_matrix``, or None.
        plane: (2, 3) a point and the normal of the ground, or None.
        projected_cuboid: (N, 9, 2).
        keypoints_3d: (N, 9, 3).
        location: (N, 3).
        quaternion: (N, 4).
        scale: (N, 3).
        visibility: (N,), 1 where it is not given.
    """

    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None
    projection_matrix: np.ndarray | None
    plane: np.ndarray | None
    projected_cuboid: np.ndarray
    keypoints_3d: np.ndarray
    location: np.ndarray
    quaternion: np.ndarray
    scale: np.ndarray
    visibility: np.ndarray

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.scale)

    def select(self, rows: np.ndarray) -> 'AnnotationFields':
        """Return the file with the chosen objects only."""
        return replace(self, **{name: getattr(self, name)[rows] for name in OBJECT_ARRAYS})


OBJECT_ARRAYS = (
    *('projected_cuboid', 'keypoints_3d', 'location', 'quaternion', 'scale', 'visibility'),
)
Convention = Mapping[str, str | Sequence[str]]
"""Form by field; a field may have several, undone one after another."""
Form = Callable[[AnnotationFields], AnnotationFields]

AXES = {
    'r': ('right', (1, 0, 0)), 'l': ('left', (-1, 0, 0)), 'd': ('down', (0, 1, 0)),
    'u': ('up', (0, -1, 0)), 'f': ('forward', (0, 0, 1)), 'b': ('back', (0, 0, -1)),
}  # fmt: skip
"""Letters of camera frames: where an axis points, in words and in the OpenCV frame."""
FRAME_CODES = tuple(
    ''.join(code) for group in permutations(('rl', 'ud', 'fb')) for code in product(*group)
)
"""Where x, y and z of a camera frame may point."""
NAMED_FRAMES = {
    'opencv': 'rdf', 'opengl': 'rub', 'unity': 'ruf', 'ros': 'flu', 'pytorch3d': 'luf',
    'objectron': 'drb',
}  # fmt: skip
FRAME_WORDS = {
    'opencv': 'OpenCV', 'opengl': 'OpenGL and USD', 'unity': 'Unity', 'ros': 'ROS',
    'pytorch3d': 'PyTorch3D',
}  # fmt: skip
ORDERS: dict[str, tuple[int, ...]] = {
    'centroid_last': (1, 2, 3, 4, 5, 6, 7, 8, 0),
    'dope': (8, 4, 2, 6, 7, 3, 1, 5, 0),
    'dope_centroid_first': (0, 8, 4, 2, 6, 7, 3, 1, 5),
    'mirrored': (0, 5, 6, 7, 8, 1, 2, 3, 4),
    'zyx': (0, 1, 5, 3, 7, 2, 6, 4, 8),
    'zyx_centroid_last': (1, 5, 3, 7, 2, 6, 4, 8, 0),
}
"""Which point of ours each written one is."""
ORDER_WORDS = {
    'centroid_last': 'corners first, the centre last',
    'dope': "DOPE's order, the centre last",
    'dope_centroid_first': "DOPE's order, the centre first",
    'mirrored': 'the order of a left-handed object frame',
    'zyx': 'the order z, then y, then x',
    'zyx_centroid_last': 'the order z, then y, then x, the centre last',
}
UNITS = {
    'centimetres': 0.01, 'millimetres': 0.001, 'decimetres': 0.1, 'inches': 0.0254, 'feet': 0.3048
}  # fmt: skip
TIMES = 'times '
"""Begins the form of a field that is multiplied by a number."""


def frame_matrix(name: str) -> np.ndarray | None:
    """Return (3, 3), Objectron camera points from those of a frame, None if it is none."""
    code = NAMED_FRAMES.get(name, name)
    if code not in FRAME_CODES:
        return None
    cv_from_written = np.array([AXES[letter][1] for letter in code], dtype=np.float64).T
    return GL_FROM_CV @ cv_from_written


def order_of(name: str) -> np.ndarray | None:
    """Return which written point is each of ours (9,), None if it is no order."""
    listed = ORDERS.get(name)
    if listed is None:
        words = name.split('-')
        if sorted(words) != [str(number) for number in range(9)]:
            return None
        listed = tuple(map(int, words))
    return np.argsort(listed)


def name_order(listed: Sequence[int]) -> str:
    """Return the name of an order, its numbers joined by '-' where it has none."""
    names = {order: name for name, order in ORDERS.items()}
    key = tuple(int(number) for number in listed)
    return names.get(key, '-'.join(map(str, key)))


def _times(fields: AnnotationFields, names: Sequence[str], factor: float) -> AnnotationFields:
    plane = fields.plane
    if len(names) > 1 and plane is not None:
        plane = plane * [[factor], [1.0]]
    scaled = {name: getattr(fields, name) * factor for name in names}
    return replace(fields, plane=plane, **scaled)


def _reorder(fields: AnnotationFields, names: Sequence[str], order: np.ndarray) -> AnnotationFields:
    return replace(fields, **{name: getattr(fields, name)[:, order] for name in names})


def _turn_points(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    return replace(fields, keypoints_3d=fields.keypoints_3d @ matrix.T)


def _turn_pose(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    """Turn location and rotation; a mirrored frame has objects whose x axis is mirrored too."""
    known = np.isfinite(fields.quaternion).all(axis=1) & fields.quaternion.any(axis=1)
    quaternion = fields.quaternion.copy()
    mirror = np.diag([np.linalg.det(matrix), 1.0, 1.0])
    turned = matrix @ matrix_from_quaternion(quaternion[known]) @ mirror
    quaternion[known] = quaternion_from_matrix(turned)
    return replace(fields, location=fields.location @ matrix.T, quaternion=quaternion)


def _turn_all(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    plane = None if fields.plane is None else fields.plane @ matrix.T
    return replace(_turn_pose(_turn_points(fields, matrix), matrix), plane=plane)


def _raise_location(fields: AnnotationFields) -> AnnotationFields:
    up = matrix_from_quaternion(fields.quaternion)[:, :, 1]
    return replace(fields, location=fields.location + up * fields.scale[:, 1:2] / 2)


def _pixels(offset: float, factor: float) -> Form:
    def apply(fields: AnnotationFields) -> AnnotationFields:
        points = (fields.projected_cuboid + offset) * factor * np.array(fields.image_wh)
        return replace(fields, projected_cuboid=points)

    return apply


def _from_bottom(fields: AnnotationFields) -> AnnotationFields:
    points = fields.projected_cuboid * [1, -1] + [0, fields.image_wh[1]]
    return replace(fields, projected_cuboid=points)


def _pick(name: str, index: Sequence[int]) -> Form:
    """Return the form whose last axis is written in another order."""
    return lambda fields: replace(fields, **{name: getattr(fields, name)[..., list(index)]})


def _conjugate(fields: AnnotationFields) -> AnnotationFields:
    return replace(fields, quaternion=fields.quaternion * [-1, -1, -1, 1])


def _camera(change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Form:
    """Return a form of the intrinsics; ``change`` gets them and the image size (2,)."""

    def apply(fields: AnnotationFields) -> AnnotationFields:
        if fields.intrinsics is None:
            return fields
        changed = change(fields.intrinsics, np.array(fields.image_wh, dtype=np.float64))
        return replace(fields, intrinsics=changed)

    return apply


def _fill_principal_point(fields: AnnotationFields) -> AnnotationFields:
    """Take the principal point of the projection matrix, else the middle of the image."""
    if fields.intrinsics is None or fields.intrinsics[2:].any():
        return fields
    known = _of_projection(fields).intrinsics
    found = np.array(fields.image_wh) / 2
    if known is not None and known[2:].any():
        found = known[2:]
    return replace(fields, intrinsics=np.concatenate([fields.intrinsics[:2], found]))


def _of_projection(fields: AnnotationFields) -> AnnotationFields:
    if fields.projection_matrix is None:
        return fields
    projection = pixel_projection(fields.projection_matrix, fields.image_wh)
    if projection is None:
        return fields
    return replace(fields, intrinsics=projection[[0, 1, 0, 1], [0, 1, 2, 2]])


def _matrix(form: str, fields: AnnotationFields) -> AnnotationFields:
    if fields.projection_matrix is None:
        return fields
    matrix = PROJECTION_FORMS[form](fields.projection_matrix)
    return replace(fields, projection_matrix=matrix)


PLAIN_FORMS: dict[str, dict[str, tuple[str, Form]]] = {
    'projected_cuboid': {
        'normalised': ('is divided by the size of the image', _pixels(0.0, 1.0)),
        'ndc': ('runs from −1 to 1 over the image', _pixels(1.0, 0.5)),
        'exchanged': ('has its coordinates exchanged (v, u)', _pick('projected_cuboid', (1, 0))),
        'from_bottom': ('counts v from the bottom of the image', _from_bottom),
    },
    'location': {'base': ('is the middle of the base, not of the cuboid', _raise_location)},
    'quaternion_xyzw': {
        'wxyz': ('is written w first', _pick('quaternion', (1, 2, 3, 0))),
        'inverse': ('turns the camera, not the object', _conjugate),
        'wxyz_inverse': (
            'is written w first and turns the camera, not the object',
            lambda fields: _conjugate(_pick('quaternion', (1, 2, 3, 0))(fields)),
        ),
    },
    'scale': {
        'half': ('holds half extents', partial(_times, names=('scale',), factor=2.0)),
        'double': ('holds doubled extents', partial(_times, names=('scale',), factor=0.5)),
        **{
            ''.join('xyz'[axis] for axis in axes): (
                f'lists {", ".join("xyz"[axis] for axis in axes)}',
                _pick('scale', tuple(np.argsort(axes).tolist())),
            )
            for axes in permutations(range(3))
            if axes != (0, 1, 2)
        },
    },
    'intrinsics': {
        'zero_principal_point': (
            'has cx = cy = 0',
            _fill_principal_point,
        ),
        'exchanged': ('has cx and cy exchanged', _camera(lambda k, wh: k[[0, 1, 3, 2]])),
        'exchanged_focal': ('has fx and fy exchanged', _camera(lambda k, wh: k[[1, 0, 2, 3]])),
        'exchanged_axes': ('has x and y exchanged', _camera(lambda k, wh: k[[1, 0, 3, 2]])),
        'normalised': (
            'is divided by the size of the image', _camera(lambda k, wh: k * np.tile(wh, 2))
        ),
        'from_right': (
            'counts cx from the right', _camera(lambda k, wh: k * [1, 1, -1, 1] + [0, 0, wh[0], 0])
        ),
        'from_bottom': (
            'counts cy from the bottom', _camera(lambda k, wh: k * [1, 1, 1, -1] + [0, 0, 0, wh[1]])
        ),
        'of_projection': ('differs from camera_projection_matrix, which fits', _of_projection),
    },
    'visibility': {
        'percent': ('is in percent', partial(_times, names=('visibility',), factor=0.01)),
        'occlusion': (
            'holds what is hidden', lambda fields: replace(fields, visibility=1 - fields.visibility)
        ),
        'unknown': (
            'says nothing',
            lambda fields: replace(fields, visibility=np.ones_like(fields.visibility)),
        ),
    },
    'camera_projection_matrix': {
        'none': (
            'does not fit, intrinsics stand for it',
            lambda fields: replace(fields, projection_matrix=None),
        ),
        'transposed': ('is written for row vectors', partial(_matrix, 'transposed')),
        'opengl': ("is OpenGL's, without Objectron's quarter turn", partial(_matrix, 'opengl')),
        'opengl_transposed': (
            "is OpenGL's, without Objectron's quarter turn, and written for row vectors",
            partial(_matrix, 'opengl_transposed'),
        ),
    },
}  # fmt: skip
"""What is wrong and how it is undone, by field and form."""
TARGETS = {
    'keypoint_order': ('projected_cuboid', 'keypoints_3d'),
    'projected_cuboid': ('projected_cuboid',),
    'keypoints_3d': ('keypoints_3d',),
}
"""What an order belongs to."""
TURNS = {'camera_frame': _turn_all, 'keypoints_3d': _turn_points, 'pose': _turn_pose}
"""What a camera frame belongs to."""
SCALABLE = {
    'camera_unit': ('keypoints_3d', 'location'),
    'scale': ('scale',),
    'keypoints_3d': ('keypoints_3d',),
    'location': ('location',),
    'intrinsics': (),
}
"""What a unit or a factor belongs to."""
FIELDS = (
    *('camera_projection_matrix', 'intrinsics', 'keypoint_order', 'projected_cuboid'),
    *(
        'quaternion_xyzw',
        'camera_frame',
        'camera_unit',
        'keypoints_3d',
        'pose',
        'scale',
        'location',
    ),
    'visibility',
)
"""Keys of a convention, in the order in which they are undone. ``camera_frame`` and
``camera_unit`` are those of all 3D fields, ``pose`` is location and rotation."""


@lru_cache(maxsize=512)
def find_form(field: str, name: str) -> tuple[str, Form]:
    """Return what a form means, as the predicate of a sentence, and the function that undoes it.

    Raises:
        ConfigError: If there is no such field or form.
    """
    if field not in FIELDS:
        raise ConfigError(
            f'has no field {field!r}', argument='convention', advice=nearest_names(field, FIELDS)
        )
    plain = PLAIN_FORMS.get(field, {}).get(name)
    if plain is not None:
        return plain
    for find in (_frame_form, _order_form, _unit_form):
        form = find(field, name)
        if form is not None:
            return form
    raise ConfigError(
        f'has no form {name!r} of {field}',
        argument='convention',
        advice=nearest_names(name, list_forms(field)),
    )


def list_forms(field: str) -> list[str]:
    """Return the named forms of a field."""
    names = list(PLAIN_FORMS.get(field, {}))
    names += [*NAMED_FRAMES, *FRAME_CODES] if field in TURNS else []
    names += list(ORDERS) if field in TARGETS else []
    return names + (list(UNITS) if field in SCALABLE else [])


def _frame_form(field: str, name: str) -> tuple[str, Form] | None:
    matrix = frame_matrix(name) if field in TURNS else None
    if matrix is None:
        return None
    code = NAMED_FRAMES.get(name, name)
    axes = ', '.join(f'{axis} {AXES[letter][0]}' for axis, letter in zip('xyz', code, strict=True))
    of = f' of {FRAME_WORDS[name]}' if name in FRAME_WORDS else ''
    words = f"is in the camera frame{of} ({axes}), not in Objectron's"
    return words, partial(TURNS[field], matrix=matrix)


def _order_form(field: str, name: str) -> tuple[str, Form] | None:
    order = order_of(name) if field in TARGETS else None
    if order is None:
        return None
    numbers = name.replace('-', ' ')
    words = ORDER_WORDS.get(name, f'the order {numbers} (numbers of the right one)')
    return f'lists its points in {words}', partial(_reorder, names=TARGETS[field], order=order)


def _unit_form(field: str, name: str) -> tuple[str, Form] | None:
    factor, words = UNITS.get(name), f'is in {name}, not in metres'
    if name.startswith(TIMES):
        factor, words = _number(name.removeprefix(TIMES)), f'is off by a factor ({name})'
    if factor is None or field not in SCALABLE:
        return None
    if field == 'intrinsics':
        return words, _camera(lambda k, wh: k * factor)
    return words, partial(_times, names=SCALABLE[field], factor=factor)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) and number > 0 else None


def check_convention(convention: Convention) -> None:
    """Check that all fields and forms exist.

    Raises:
        ConfigError: If one does not.
    """
    if not isinstance(convention, Mapping):
        raise ConfigError(
            'must be a dict of forms by field',
            argument='convention',
            value=convention,
            advice="Give for example dict(camera_frame='opencv')",
        )
    for field in convention:
        if field not in FIELDS:
            find_form(str(field), '')
    for field, name in _steps(convention):
        find_form(field, name)


def _steps(convention: Convention) -> Iterator[tuple[str, str]]:
    """Yield field and form in the order in which they are undone."""
    for field in FIELDS:
        names = convention.get(field, ())
        for name in [names] if isinstance(names, str) else names:
            yield field, str(name)


def apply_convention(fields: AnnotationFields, convention: Convention) -> AnnotationFields:
    """Return a file as this project has it, from one written in another convention.

    Args:
        fields: The file.
        convention: One that `check_convention` accepts.
    """
    return apply_steps(fields, _steps(convention))


def apply_steps(fields: AnnotationFields, steps: Iterable[tuple[str, str]]) -> AnnotationFields:
    """Undo forms one after another.

    Args:
        fields: The file.
        steps: Field and form.
    """
    with np.errstate(all='ignore'):
        for field, name in steps:
            fields = find_form(field, name)[1](fields)
    return fields


POINT_NAMES = {'L': -1, 'R': 1, 'D': -1, 'U': 1, 'B': -1, 'F': 1}
"""Sides in the names of a file's ``keypoint_order``: left right, down up, back front."""


def parse_point_names(names: Sequence[str]) -> str | None:
    """Return the order that a file names point by point, such as ``LDB``, None if it does not."""
    corners = [tuple(sign) for sign in CORNER_SIGNS.astype(int).tolist()]
    listed = []
    for name in names:
        if str(name).lower() in ('center', 'centre', 'centroid'):
            listed.append(0)
            continue
        sides = tuple(POINT_NAMES.get(letter, 0) for letter in str(name).upper())
        if sides not in corners:
            return None
        listed.append(1 + corners.index(sides))
    return name_order(listed) if sorted(listed) == list(range(9)) else None


IN_ORDER = name_order(range(9))


def isaac_convention(names: Sequence[str]) -> dict[str, str] | None:
    """Return how Isaac Sim's pose writer writes the format "centerpose".

    3D points are in the camera frame of USD, matrices are for row vectors.

    Args:
        names: Field ``keypoint_order`` of the file.

    Returns:
        The convention, None if the names are none.
    """
    order = parse_point_names(names)
    if order is None:
        return None
    moved = {} if order == IN_ORDER else {'keypoint_order': order}
    return {'camera_frame': 'opengl', 'camera_projection_matrix': 'opengl_transposed', **moved}
