"""Objects that look alike after a part of a full turn about their up axis."""

import numpy as np

from cpose.errors import ConfigError
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.registry import SYMMETRIES

MAX_ORDER = 360
"""Steps of a degree; every one becomes a candidate of training."""


@SYMMETRIES.register_module()
class RotationalSymmetry:
    """Rotate the cuboid rigidly about its up axis in ``order`` equal steps.

    Source: TAO PyTorch 6.25.10, ``num_symmetry``.

    Args:
        order: Number of candidates, 12 for steps of 30 degrees.
    """

    def __init__(self, order: int = 12) -> None:
        if isinstance(order, bool) or not isinstance(order, int) or not 1 <= order <= MAX_ORDER:
            raise ConfigError(
                f'RotationalSymmetry has order={order!r} (config key metainfo.symmetry.order). '
                f'Give a whole number from 1 to {MAX_ORDER}.'
            )
        self.order = order

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rotated cuboids, the given one first.

        Args:
            keypoints: (9, 3), any camera frame.
            dims: (3,) extents along object x, y, z.

        Returns:
            Keypoints (order, 9, 3) and dims (order, 3); a rigid rotation keeps the extents.
        """
        rotated = rotate_about_up(keypoints, full_turn(self.order))
        rotated[0] = keypoints
        return rotated, np.repeat(np.asarray(dims)[None], self.order, axis=0)
