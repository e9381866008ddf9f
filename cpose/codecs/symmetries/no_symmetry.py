"""Objects that look different from every side."""

import numpy as np

from cpose.registry import SYMMETRIES


@SYMMETRIES.register_module()
class NoSymmetry:
    """Keep the annotated cuboid as the only candidate."""

    order = 1

    def candidates(self, keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints (1, 9, 3) and dims (1, 3) of the given (9, 3) and (3,)."""
        return np.asarray(keypoints)[None], np.asarray(dims)[None]
