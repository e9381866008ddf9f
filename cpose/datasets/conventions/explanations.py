"""Find what explains the contradictions of an annotation: a form of the table of conventions.

The search changes one field after another as the table says, and keeps the change after which
fewest relations are violated; what is likely comes first and wins ties.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from cpose.datasets.conventions.consistency import (
    RELATION_FIELDS,
    RELATIONS,
    UNITS_OF_MAGNITUDE,
    Finding,
    all_points,
    measure_contradictions,
    pose_objects,
    project_objects,
)
from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.names import (
    FRAME_CODES,
    NAMED_FRAMES,
    ORDERS,
    TIMES,
    UNITS,
    frame_matrix,
    name_order,
)
from cpose.datasets.conventions.table import PLAIN_FORMS, apply_steps, find_form

Step = tuple[str, str]
"""Field and form."""
Measured = dict[str, np.ndarray]
FOREIGN_FRAMES = tuple(name for name in NAMED_FRAMES if name != 'objectron')
MOST_STEPS = 4
"""Forms that may explain one file together."""
FIELD_WORDS = {
    'camera_frame': 'the 3D part (keypoints_3d, location, quaternion_xyzw)',
    'camera_unit': 'the 3D part (keypoints_3d, location)',
    'keypoint_order': 'projected_cuboid, as keypoints_3d,',
    'pose': 'the pose (location, quaternion_xyzw)',
    'intrinsics': 'camera_data.intrinsics',
    'camera_projection_matrix': 'camera_data.camera_projection_matrix',
}
"""What the keys of a convention are called in messages."""


@np.errstate(all='ignore')
def check_fields(
    fields: AnnotationFields, likely: Sequence[tuple[Step, ...]] = (), may_search: bool = True
) -> list[Finding]:
    """Compare the fields of one file, and explain what contradicts what.

    Args:
        fields: As read.
        likely: Explanations of other files of the data set, tried first.
        may_search: Whether others are tried.

    Returns:
        One finding for each form that explains something, and one for each relation that nothing
        explains; none if all agree.
    """
    measured = measure_contradictions(pose_objects([fields])) if len(fields) else {}
    rows = np.flatnonzero(_is_violated(measured)) if len(fields) else np.zeros(0, np.int64)
    if not len(rows):
        return []
    wrong = fields.select(rows)
    may_be_relative = not np.isfinite(measured['scale']).any()
    steps = _search(wrong, likely, may_be_relative, may_search)
    findings, before = [], _select(measured, rows)
    for step in steps:
        wrong = apply_steps(wrong, (step,))
        after = _measure(wrong, may_be_relative)
        findings.append(_explained(step, before, after, rows, wrong))
        before = after
    return findings + _unexplained(before, rows)


def _is_violated(measured: Measured) -> np.ndarray:
    return np.any([np.isfinite(measured[name]) for name in RELATIONS], axis=0)


def _select(measured: Measured, rows: np.ndarray) -> Measured:
    return {name: values[rows] for name, values in measured.items()}


def _measure(fields: AnnotationFields, may_be_relative: bool = False) -> Measured:
    return measure_contradictions(pose_objects([fields]), may_be_relative)


def _badness(measured: Measured) -> int:
    """Return how many relations of how many objects are violated."""
    return sum(int(np.isfinite(values).sum()) for values in measured.values())


def _search(
    fields: AnnotationFields,
    likely: Sequence[tuple[Step, ...]],
    may_be_relative: bool,
    may_search: bool,
) -> tuple[Step, ...]:
    """Return the steps that leave fewest contradictions."""
    found: tuple[Step, ...] = ()
    measured = _measure(fields, may_be_relative)
    while _badness(measured) and len(found) < MOST_STEPS:
        violated = {name for name, values in measured.items() if np.isfinite(values).any()}
        steps: tuple[Step, ...] = ()
        for candidates in (
            () if found else likely,
            _candidates(fields, violated) if may_search else (),
            _pairs(fields, violated) if may_search else (),
        ):
            steps = steps or _best(fields, measured, candidates, may_be_relative)
        if not steps:
            break
        fields, found = apply_steps(fields, steps), (*found, *steps)
        measured = _measure(fields, may_be_relative)
    return found


def _best(
    fields: AnnotationFields,
    measured: Measured,
    candidates: Iterable[tuple[Step, ...]],
    may_be_relative: bool,
) -> tuple[Step, ...]:
    """Return the candidate after which fewest contradictions remain, none if all keep them."""
    best: tuple[Step, ...] = ()
    badness = _badness(measured)
    for steps in candidates:
        remaining = _badness(_measure(apply_steps(fields, steps), may_be_relative))
        if remaining < badness:
            best, badness = steps, remaining
        if not badness:
            break
    return best


def _candidates(fields: AnnotationFields, violated: set[str]) -> Iterator[tuple[Step, ...]]:
    """Yield forms of the fields that take part in what is violated, the likely ones first."""
    has_points = bool(np.isfinite(fields.keypoints_3d).any())
    for relations, field, forms in CANDIDATES:
        is_given = has_points or field not in ('keypoint_order', 'keypoints_3d', 'camera_unit')
        if is_given and not violated.isdisjoint(relations):
            for form in forms(fields) if callable(forms) else forms:
                yield ((field, form),)
                if field == 'camera_frame' and _is_left_handed(form):
                    yield ((field, form), ('keypoint_order', 'mirrored'))


def _pairs(fields: AnnotationFields, violated: set[str]) -> Iterator[tuple[Step, ...]]:
    """Yield frames together with what else may be wrong of the same relation."""
    if 'reprojection' not in violated:
        return
    for code in (*FOREIGN_FRAMES, *FRAME_CODES):
        frame = ('camera_frame', code)
        for order in _matched_orders(apply_steps(fields, [frame])):
            yield (frame, ('projected_cuboid', order))
    for code in FOREIGN_FRAMES:
        for field in ('projected_cuboid', 'quaternion_xyzw'):
            for form in PLAIN_FORMS[field]:
                yield ((field, form), ('camera_frame', code))


def _is_left_handed(frame: str) -> bool:
    matrix = frame_matrix(frame)
    return matrix is not None and bool(np.linalg.det(matrix) < 0)


def _matched_orders(fields: AnnotationFields) -> Iterator[str]:
    """Yield the order in which the written corners are nearest to the projected points."""
    projected = project_objects(pose_objects([fields]))[0]
    if not np.isfinite(projected).all():
        return
    written = fields.projected_cuboid[0]
    yield from _order_of(np.linalg.norm(written[:, None] - projected[None], axis=2))


def _pose_orders(fields: AnnotationFields) -> Iterator[str]:
    """Yield the order in which the written 3D points are nearest to those of the pose."""
    of_pose = replace(fields, keypoints_3d=np.full_like(fields.keypoints_3d, np.nan))
    expected, written = all_points(pose_objects([of_pose]))[0], fields.keypoints_3d[0]
    if np.isfinite(expected).all():
        yield from _order_of(np.linalg.norm(written[:, None] - expected[None], axis=2))


def _order_of(distances: np.ndarray) -> Iterator[str]:
    """Yield the order that gives each written point its nearest one, if it is another order."""
    listed = distances.argmin(axis=1).tolist()
    if sorted(listed) == list(range(9)) and listed != list(range(9)):
        yield name_order(listed)


def _camera_factors(fields: AnnotationFields) -> Iterator[str]:
    """Yield the factor between the intrinsics and what the projection matrix or the points say."""
    objects = pose_objects([fields])
    known, own = objects.projection[0], objects.intrinsics[0]
    factor = known[0, 0] / own[0, 0]
    if np.isnan(factor) and np.isfinite(own).all():
        projected = project_objects(objects)[0]
        factor = (fields.projected_cuboid[0] * projected).sum() / (projected * projected).sum()
    if np.isfinite(factor) and factor > 0:
        yield f'{TIMES}{factor:.6g}'


def _pixel_factors(fields: AnnotationFields) -> Iterator[str]:
    """Yield the factor between the written points and the projected ones: of a resized image."""
    written, projected = fields.projected_cuboid[0], project_objects(pose_objects([fields]))[0]
    factor = (written * projected).sum() / (written * written).sum()
    if np.isfinite(factor) and factor > 0:
        yield f'{TIMES}{factor:.6g}'


Forms = Iterable[str] | Callable[[AnnotationFields], Iterable[str]]
CAMERAS = [name for name in PLAIN_FORMS['intrinsics'] if name != 'of_projection']
MATRICES = [name for name in PLAIN_FORMS['camera_projection_matrix'] if name != 'none']
CANDIDATES: tuple[tuple[tuple[str, ...], str, Forms], ...] = (
    (('camera',), 'intrinsics', CAMERAS),
    (('camera', 'reprojection'), 'camera_projection_matrix', MATRICES),
    (('reprojection', 'order'), 'camera_frame', FOREIGN_FRAMES),
    (('order',), 'keypoint_order', _pose_orders),
    (('order',), 'keypoints_3d', _pose_orders),
    (('reprojection', 'order'), 'keypoint_order', ORDERS),
    (('reprojection',), 'projected_cuboid', (*ORDERS, *PLAIN_FORMS['projected_cuboid'])),
    (('reprojection', 'order'), 'keypoints_3d', ORDERS),
    (('reprojection',), 'projected_cuboid', _matched_orders),
    (('scale', 'reprojection'), 'scale', (*UNITS, *PLAIN_FORMS['scale'])),
    (('scale',), 'camera_unit', UNITS),
    (('scale',), 'keypoints_3d', UNITS),
    (('pose', 'reprojection'), 'quaternion_xyzw', PLAIN_FORMS['quaternion_xyzw']),
    (('pose', 'reprojection'), 'location', (*PLAIN_FORMS['location'], *UNITS)),
    (('pose', 'reprojection'), 'keypoints_3d', FOREIGN_FRAMES),
    (('pose', 'reprojection'), 'pose', FOREIGN_FRAMES),
    (('reprojection',), 'intrinsics', CAMERAS),
    (('reprojection',), 'camera_frame', FRAME_CODES),
    (('pose', 'reprojection'), 'keypoints_3d', FRAME_CODES),
    (('pose', 'reprojection'), 'pose', FRAME_CODES),
    (('camera', 'reprojection'), 'intrinsics', _camera_factors),
    (('reprojection',), 'projected_cuboid', _pixel_factors),
    (('camera',), 'intrinsics', ('of_projection',)),
    (('camera',), 'camera_projection_matrix', ('none',)),
)
"""Relations, field and forms that may explain one of them, the likely ones first."""


def _explained(
    step: Step, before: Measured, after: Measured, rows: np.ndarray, fields: AnnotationFields
) -> Finding:
    """Describe one form by the first relation that it mends."""
    mended = [
        (name, np.isfinite(before[name]) & np.isnan(after[name]))
        for name in RELATIONS
        if (np.isfinite(before[name]) & np.isnan(after[name])).any()
    ]
    name, chosen = mended[-1] if mended else (_first(before), np.isfinite(before[_first(before)]))
    field, form = step
    has_points = np.isfinite(fields.keypoints_3d).all()
    is_used = not (bool(has_points) and field in ('pose', 'location', 'quaternion_xyzw'))
    return Finding(
        field=FIELD_WORDS.get(field, field),
        cause=find_form(field, form)[0],
        relation=name,
        form=f'{field}={form}',
        magnitude=float(np.nanmax(before[name])),
        unit=UNITS_OF_MAGNITUDE[name],
        objects=tuple(rows[chosen].tolist()),
        is_used=is_used,
    )


def _first(measured: Measured) -> str:
    return next(name for name in RELATIONS if np.isfinite(measured[name]).any())


def _unexplained(measured: Measured, rows: np.ndarray) -> list[Finding]:
    found = []
    for name in RELATIONS:
        wrong = np.isfinite(measured[name])
        if wrong.any():
            found.append(
                Finding(
                    field=RELATION_FIELDS[name],
                    cause='contradict each other, and no known convention explains it',
                    relation=name,
                    magnitude=float(np.nanmax(measured[name])),
                    unit=UNITS_OF_MAGNITUDE[name],
                    objects=tuple(rows[wrong].tolist()),
                    is_used=name != 'pose',
                )
            )
    return found
