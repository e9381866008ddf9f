"""Volume shared by the unit cube and parallelepipeds, without building the shared polyhedron.

The divergence theorem is applied twice. The volume is the sum, over the faces of the
parallelepiped, of the clamped height ``clip(x, 0, 1)`` integrated over the face's shadow on the
(y, z) square; each of these is the sum, over the face's edges, of the strip left of the edge,
``∫ clip(x, 0, 1) dy`` from 0 to ``clip(y, 0, 1)``, integrated along z. Between the parameters at
which a clip sets in, the integrand is a polynomial of degree two, for which two Gauss points are
exact. All terms are continuous in the corners, so shared faces, edges or corners, parallel faces
and flat boxes need no special cases. Source: own derivation.

Letters: K edges or pieces, N pairs; the pair is the last axis.
"""

from dataclasses import dataclass

import numpy as np

THIN = 1e-4
"""Relative thickness below which frames are computed in extended precision."""

EDGE_AXES = np.repeat(np.arange(3), 4)
"""(12,) which of the three spanning vectors each edge follows."""

EDGE_SIGNS = np.tile([-1.0, 1.0, 1.0, -1.0], 3)
"""(12,) sense in which the boundary of the first of the two adjacent faces runs along the edge."""

GAUSS_OFFSET = 1 / np.sqrt(3)
TINY = 1e-300
"""Stands for a zero slope: the parameter at which a constant reaches a level is then huge."""

SORTING_NETWORK = ((1, 2), (3, 4), (1, 3), (2, 4), (2, 3))
"""Exchanges that put the rows 1 to 4 in order."""


@dataclass(frozen=True)
class _Strips:
    """Stretches of edges whose strip has one of its two shapes.

    Every quantity is linear along the edge: value at parameter 0, change to parameter 1. The
    first axis of ``near``, ``far`` and ``weight`` is the face, the last is the stretch.
    """

    pair: np.ndarray
    start: np.ndarray
    end: np.ndarray
    width: tuple[np.ndarray, np.ndarray]
    near: tuple[np.ndarray, np.ndarray]
    far: tuple[np.ndarray, np.ndarray]
    weight: np.ndarray


def unit_cube_overlap(origin: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Return the volume of [0, 1]³ inside each parallelepiped.

    Args:
        origin: (3, N), one corner.
        spans: (3, 3, N), the vectors (first axis) from it to its three neighbours.

    Returns:
        (N,), 0 to 1, exact but for rounding of about 1e-15.
    """
    with np.errstate(over='ignore', invalid='ignore'):
        starts, slopes, is_facing = _edges(origin, spans)
        strips = _strips(starts, spans.swapaxes(0, 1)[:, EDGE_AXES], slopes, is_facing)
        return np.abs(_integrate(strips, origin.shape[1]))


def _edges(origin: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts (3, 12, N), and of both adjacent faces dx/dy and whether it has a shadow."""
    count = origin.shape[1]
    starts = np.empty((3, 3, 4, count))
    slopes = np.empty((2, 3, count))
    is_facing = np.empty((2, 3, count), dtype=bool)
    for axis in range(3):
        sides = spans[(axis + 1) % 3], spans[(axis + 2) % 3]
        starts[:, axis, 0] = origin
        starts[:, axis, 1] = origin + sides[1]
        starts[:, axis, 2] = origin + sides[0]
        starts[:, axis, 3] = origin + sides[0] + sides[1]
        for face, side in enumerate(sides):
            normal_x = spans[axis, 1] * side[2] - spans[axis, 2] * side[1]
            normal_y = spans[axis, 2] * side[0] - spans[axis, 0] * side[2]
            is_facing[face, axis] = np.abs(normal_x) > 1e-30 * np.abs(normal_y)
            safe_x = np.where(is_facing[face, axis], normal_x, 1)
            slopes[face, axis] = np.where(is_facing[face, axis], -normal_y / safe_x, 0)
    return starts.reshape(3, 12, count), slopes[:, EDGE_AXES], is_facing[:, EDGE_AXES]


def _strips(
    starts: np.ndarray, spans: np.ndarray, slopes: np.ndarray, is_facing: np.ndarray
) -> _Strips:
    """Cut the edges to 0 ≤ z ≤ 1 and to where 0 ≤ y ≤ 1 or y > 1; drop what is empty."""
    (_, y, z), (_, dy, dz) = starts, spans
    from_z, to_z = _crossings(z, dz)
    low, high = np.maximum(np.minimum(from_z, to_z), 0), np.minimum(np.maximum(from_z, to_z), 1)
    from_y, to_y = _crossings(y, dy)
    is_falling = dy < 0
    start = np.stack([np.minimum(from_y, to_y), np.where(is_falling, -np.inf, to_y)])
    end = np.stack([np.maximum(from_y, to_y), np.where(is_falling, to_y, np.inf)])
    start, end = np.maximum(start, low), np.minimum(end, high)

    kept = np.flatnonzero((end > start) & (dz != 0))
    is_beyond, place = np.divmod(kept, dz.size)
    edge, pair = np.divmod(place, dz.shape[1])
    x, y = starts[:2].reshape(2, -1).take(place, axis=1)
    dx, dy, dz = spans.reshape(3, -1).take(place, axis=1)
    slope = slopes.reshape(2, -1).take(place, axis=1)
    near, near_change = x - slope * y, dx - slope * dy
    sign = EDGE_SIGNS[edge] * is_facing.reshape(2, -1).take(place, axis=1)
    sign[1] *= -1
    return _Strips(
        pair,
        start.take(kept),
        end.take(kept),
        width=(np.where(is_beyond, 1, y), np.where(is_beyond, 0, dy)),
        near=(near, near_change),
        far=(np.where(is_beyond, near + slope, x), np.where(is_beyond, near_change, dx)),
        weight=sign * dz,
    )


def _integrate(strips: _Strips, count: int) -> np.ndarray:
    """Integrate the strips along z and add them up by pair."""
    start, half = _pieces(strips)
    kept = np.flatnonzero(half)
    faces_strips = kept % half[0].size
    strip = faces_strips % half.shape[2]
    half = half.take(kept)
    middle = start.take(kept) + half
    width, near, far = (
        [part.take(places) for part in line]
        for line, places in (
            (strips.width, strip),
            (strips.near, faces_strips),
            (strips.far, faces_strips),
        )
    )
    total = np.zeros(len(kept))
    for offset in (-GAUSS_OFFSET, GAUSS_OFFSET):
        at = middle + offset * half
        mean = _mean_clipped(near[0] + at * near[1], far[0] + at * far[1])
        total += (width[0] + at * width[1]) * mean
    total *= half * strips.weight.take(faces_strips)
    return np.bincount(strips.pair[strip], weights=total, minlength=count)


def _pieces(strips: _Strips) -> tuple[np.ndarray, np.ndarray]:
    """Return start and half length, (5, 2, K), of the pieces between the kinks of each strip."""
    kinks = np.empty((6, *strips.near[0].shape))
    kinks[0], kinks[5] = strips.start, strips.end
    kinks[1], kinks[2] = _crossings(*strips.near)
    kinks[3], kinks[4] = _crossings(*strips.far)
    np.clip(kinks[1:5], strips.start, strips.end, out=kinks[1:5])
    for first, second in SORTING_NETWORK:
        smaller = np.minimum(kinks[first], kinks[second])
        np.maximum(kinks[first], kinks[second], out=kinks[second])
        kinks[first] = smaller
    return kinks[:5], np.diff(kinks, axis=0) / 2


def _crossings(value: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the parameters at which a linear quantity is 0 and 1."""
    scale = 1 / np.where(change == 0, TINY, change)
    return -value * scale, (1 - value) * scale


def _mean_clipped(near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Return the mean of ``clip(x, 0, 1)`` for x running from ``near`` to ``far``."""
    near_clipped = np.minimum(np.maximum(near, 0), 1)
    far_clipped = np.minimum(np.maximum(far, 0), 1)
    length = far - near
    is_point = length == 0
    area = (far_clipped - near_clipped) * (far_clipped + near_clipped) / 2
    area += np.maximum(far, 1) - np.maximum(near, 1)
    return np.where(is_point, near_clipped, area / np.where(is_point, 1, length))


def corner_and_spans(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return corner 1 (3, N) and the vectors (3, 3, N) to corners 5, 3 and 2 of (N, 9, 3)."""
    points = np.moveaxis(keypoints, 0, -1)
    return points[1], points[[5, 3, 2]] - points[1]


def cross_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross product of (3, N) and (3, N)."""
    return np.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def face_normals(spans: np.ndarray) -> np.ndarray:
    """Return the area vectors (3, 3, N) of the faces opposite to each spanning vector."""
    return np.stack(
        [cross_product(spans[(axis + 1) % 3], spans[(axis + 2) % 3]) for axis in range(3)]
    )


def cuboid_volumes(keypoints: np.ndarray) -> np.ndarray:
    """Return the volumes (N,) of cuboids (N, 9, 3); NaN or infinity for such keypoints."""
    with np.errstate(invalid='ignore', over='ignore'):
        _, spans = corner_and_spans(keypoints)
        return np.abs((cross_product(spans[1], spans[2]) * spans[0]).sum(axis=0))


def frame_from_camera(spans: np.ndarray) -> np.ndarray:
    """Return the matrices (3, 3, N) that map camera vectors to multiples of the spans."""
    normals = face_normals(spans)
    return normals / (normals[0] * spans[0]).sum(axis=0)


def overlap_fraction(frames: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the share (N,) of the cuboids ``frames`` (N, 9, 3) that lies inside ``others``.

    Thin cuboids are brought into each other's frame in extended precision where the machine has
    it: the frame stretches the rounding of the corners by the ratio of length to thickness.
    """
    origin, spans = _in_frame(frames, others)
    is_thin = _thickness(frames) < THIN
    if is_thin.any():
        wide = np.longdouble
        origin[:, is_thin], spans[..., is_thin] = _in_frame(
            frames[is_thin].astype(wide), others[is_thin].astype(wide)
        )
    return unit_cube_overlap(origin, spans)


def _in_frame(frames: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    frame_corner, frame_spans = corner_and_spans(frames)
    corner, spans = corner_and_spans(others)
    matrix = frame_from_camera(frame_spans)
    origin = np.einsum('ijn,jn->in', matrix, corner - frame_corner)
    return origin, np.einsum('ijn,kjn->kin', matrix, spans)


def _thickness(keypoints: np.ndarray) -> np.ndarray:
    """Return the least height over a face, relative to the longest edge."""
    _, spans = corner_and_spans(keypoints)
    normals = face_normals(spans)
    volume = np.abs((normals[0] * spans[0]).sum(axis=0))
    largest_face = np.sqrt((normals**2).sum(axis=1)).max(axis=0)
    return volume / (largest_face * np.sqrt((spans**2).sum(axis=1)).max(axis=0))
