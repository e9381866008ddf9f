"""Cuboids as a corner and three spanning vectors, and one cuboid in the frame of another.

Arrays have the pair as last axis. The solid is the parallelepiped of corners 1, 5, 3 and 2.
"""

import numpy as np

from cpose.geometry.cuboid_overlap import unit_cube_overlap

THIN = 1e-4
"""Relative thickness below which frames are computed in extended precision."""


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
