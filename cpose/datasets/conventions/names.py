"""Names of camera frames, orders of points and units, and what each means."""

from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

from cpose.structures.camera import GL_FROM_CV
from cpose.structures.cuboid import CORNER_SIGNS

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
