"""Whether annotated objects are of one size, or of a few: a model need not guess those."""

import numpy as np

TOLERANCE = 0.12
"""Largest difference between logarithms of width, or depth, of one size: clicks are not exact."""
MOST_SIZES = 4
LEAST_SHOWN = 3
"""Times that a size is annotated; what is seen less often may be an error."""
MOST_OTHERS = 0.05
"""Share of the objects that may have yet other sizes."""


def find_proportions(dims: np.ndarray, is_turnable: bool) -> list[list[float]]:
    """Return the proportions of the sizes of annotated objects, if these are few.

    Args:
        dims: (N, 3) extents of the objects along x, y, z, in any unit.
        is_turnable: Whether x and z may be exchanged, as of boxes without a front.

    Returns:
        Extents in units of the height, one list for each size, and a second one with x and z
        exchanged where they may be; none if the objects are of many sizes, or too few to tell.
    """
    shapes = np.log(dims[:, ::2] / dims[:, 1:2])
    if is_turnable:
        shapes = np.sort(shapes, axis=1)
    groups: list[np.ndarray] = []
    left = np.arange(len(shapes))
    while len(left) and len(groups) < MOST_SIZES:
        near = np.abs(shapes[left, None] - shapes[left]).max(axis=2) <= TOLERANCE
        members = near[near.sum(axis=1).argmax()]
        if members.sum() < LEAST_SHOWN:
            break
        groups.append(np.median(shapes[left[members]], axis=0))
        left = left[~members]
    if not groups or len(left) > MOST_OTHERS * len(shapes):
        return []
    both = [group for one in groups for group in ((one, one[::-1]) if is_turnable else (one,))]
    return [[round(float(x), 4), 1.0, round(float(z), 4)] for x, z in np.exp(both)]
