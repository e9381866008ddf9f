"""The projection of the cuboid's centre."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class ProjectedCenter:
    """Use the projected 3D centre (option ``center_3D`` of the reference).

    An object whose centre is off the map gets no target.
    """

    def place(self, boxes_heatmap: np.ndarray, centers_heatmap: np.ndarray) -> np.ndarray:
        """Return the centres, (..., 2) heatmap cells; arguments as in `BoxCenter.place`."""
        return np.broadcast_to(centers_heatmap, (*boxes_heatmap.shape[:-1], 2))
