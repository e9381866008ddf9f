"""The middle of the clipped 2D box."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class BoxCenter:
    """Use the middle of the 2D box of the corners, clipped to the map (the reference's way)."""

    def place(self, boxes_heatmap: np.ndarray, centers_heatmap: np.ndarray) -> np.ndarray:
        """Return the centres, (..., 2) heatmap cells.

        Args:
            boxes_heatmap: (..., 4) clipped left, top, right, bottom, cells.
            centers_heatmap: (..., 2) projected cuboid centres, cells.
        """
        return (boxes_heatmap[..., :2] + boxes_heatmap[..., 2:]) / 2
