"""How annotation files may be written: the forms of each field, and how they are undone.

One table serves three callers: reading with the ``convention`` of a data set, the search for what
explains a contradiction, and the repair of files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import permutations

import numpy as np

from cpose.datasets.conventions.changes import (
    Form,
    conjugate,
    count_from_left,
    count_from_top,
    fill_principal_point,
    multiply,
    of_intrinsics,
    pick_axes,
    raise_location,
    reorder_points,
    take_projection,
    to_pixels,
    turn_all,
    turn_points,
    turn_pose,
    undo_form,
)
from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.names import (
    AXES,
    FRAME_CODES,
    FRAME_WORDS,
    NAMED_FRAMES,
    ORDER_WORDS,
    ORDERS,
    TIMES,
    UNITS,
    frame_matrix,
    order_of,
)
from cpose.errors import ConfigError, nearest_names

Convention = Mapping[str, str | Sequence[str]]
"""Form by field; a field may have several, undone one after another."""
PLAIN_FORMS: dict[str, dict[str, tuple[str, Form]]] = {
    'projected_cuboid': {
        'normalised': ('is divided by the size of the image', to_pixels(0.0, 1.0)),
        'ndc': ('runs from −1 to 1 over the image', to_pixels(1.0, 0.5)),
        'exchanged': (
            'has its coordinates exchanged (v, u)',
            pick_axes('projected_cuboid', (1, 0)),
        ),
        'from_bottom': ('counts v from the bottom of the image', count_from_top),
        'from_right': ('counts u from the right of the image', count_from_left),
    },
    'location': {'base': ('is the middle of the base, not of the cuboid', raise_location)},
    'quaternion_xyzw': {
        'wxyz': ('is written w first', pick_axes('quaternion', (1, 2, 3, 0))),
        'inverse': ('turns the camera, not the object', conjugate),
        'wxyz_inverse': (
            'is written w first and turns the camera, not the object',
            lambda fields: conjugate(pick_axes('quaternion', (1, 2, 3, 0))(fields)),
        ),
    },
    'scale': {
        'half': ('holds half extents', partial(multiply, names=('scale',), factor=2.0)),
        'double': ('holds doubled extents', partial(multiply, names=('scale',), factor=0.5)),
        **{
            ''.join('xyz'[axis] for axis in axes): (
                f'lists {", ".join("xyz"[axis] for axis in axes)}',
                pick_axes('scale', tuple(np.argsort(axes).tolist())),
            )
            for axes in permutations(range(3))
            if axes != (0, 1, 2)
        },
    },
    'intrinsics': {
        'zero_principal_point': (
            'has cx = cy = 0',
            fill_principal_point,
        ),
        'exchanged': ('has cx and cy exchanged', of_intrinsics(lambda k, wh: k[[0, 1, 3, 2]])),
        'exchanged_focal': (
            'has fx and fy exchanged',
            of_intrinsics(lambda k, wh: k[[1, 0, 2, 3]]),
        ),
        'exchanged_axes': ('has x and y exchanged', of_intrinsics(lambda k, wh: k[[1, 0, 3, 2]])),
        'normalised': (
            'is divided by the size of the image',
            of_intrinsics(lambda k, wh: k * np.tile(wh, 2)),
        ),
        'from_right': (
            'counts cx from the right',
            of_intrinsics(lambda k, wh: k * [1, 1, -1, 1] + [0, 0, wh[0], 0]),
        ),
        'from_bottom': (
            'counts cy from the bottom',
            of_intrinsics(lambda k, wh: k * [1, 1, 1, -1] + [0, 0, 0, wh[1]]),
        ),
        'of_projection': ('differs from camera_projection_matrix, which fits', take_projection),
    },
    'visibility': {
        'percent': ('is in percent', partial(multiply, names=('visibility',), factor=0.01)),
        'occlusion': (
            'holds what is hidden',
            lambda fields: replace(fields, visibility=1 - fields.visibility),
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
        'transposed': ('is written for row vectors', partial(undo_form, 'transposed')),
        'opengl': ("is OpenGL's, without Objectron's quarter turn", partial(undo_form, 'opengl')),
        'opengl_transposed': (
            "is OpenGL's, without Objectron's quarter turn, and written for row vectors",
            partial(undo_form, 'opengl_transposed'),
        ),
    },
}
"""What is wrong and how it is undone, by field and form."""
TARGETS = {
    'keypoint_order': ('projected_cuboid', 'keypoints_3d'),
    'projected_cuboid': ('projected_cuboid',),
    'keypoints_3d': ('keypoints_3d',),
}
"""What an order belongs to."""
TURNS = {'camera_frame': turn_all, 'keypoints_3d': turn_points, 'pose': turn_pose}
"""What a camera frame belongs to."""
SCALABLE = {
    'camera_unit': ('keypoints_3d', 'location'),
    'scale': ('scale',),
    'keypoints_3d': ('keypoints_3d',),
    'location': ('location',),
    'projected_cuboid': ('projected_cuboid',),
    'intrinsics': (),
}
"""What a unit or a factor belongs to."""
PIXELS = ('projected_cuboid', 'intrinsics')
"""Fields with a factor, but no unit."""
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
    return names + (list(UNITS) if field in SCALABLE and field not in PIXELS else [])


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
    return f'lists its points in {words}', partial(
        reorder_points, names=TARGETS[field], order=order
    )


def _unit_form(field: str, name: str) -> tuple[str, Form] | None:
    factor = None if field in PIXELS else UNITS.get(name)
    words = f'is in {name}, not in metres'
    if name.startswith(TIMES):
        factor, words = _number(name.removeprefix(TIMES)), f'is off by a factor ({name})'
    if factor is None or field not in SCALABLE:
        return None
    if field == 'intrinsics':
        return words, of_intrinsics(lambda k, wh: k * factor)
    return words, partial(multiply, names=SCALABLE[field], factor=factor)


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
