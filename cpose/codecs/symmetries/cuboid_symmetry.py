"""Objects without a front: any upright face may be called so."""

import numpy as np

from cpose.geometry.symmetry import relabel_cuboid
from cpose.registry import SYMMETRIES


@SYMMETRIES.register_module()
class CuboidSymmetry:
    """Relabel the corners of the same solid for 0, 90, 180 and 270 degrees about its up axis.

    Unlike a rotation of the solid this is right for footprints that are not square; the x and z
    extents are exchanged at 90 and 270 degrees.
    """

    order = 4

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints (4, 9, 3) and dims (4, 3) of the given (9, 3) and (3,)."""
        return relabel_cuboid(keypoints, dims)
