"""What a network that follows objects gets of the frame before.

Letters: Q peaks, N objects of the frame at hand, K = 8 corners.
"""

from dataclasses import dataclass

import numpy as np

from cpose.errors import check_shape
from cpose.structures.cuboid import NUM_CORNERS

IMAGE_CHANNELS = 3
PREVIOUS_CHANNELS = {'pre_img': IMAGE_CHANNELS, 'pre_hm': 1, 'pre_hm_hp': NUM_CORNERS}
"""Channels of the previous image, of the heatmap of its centres and of those of its corners. They
follow those of the image in the network input, all at its size; exported models name them so."""
HEATMAP_CHANNELS = PREVIOUS_CHANNELS['pre_hm'] + PREVIOUS_CHANNELS['pre_hm_hp']
ALL_CHANNELS = IMAGE_CHANNELS + sum(PREVIOUS_CHANNELS.values())


@dataclass(frozen=True)
class PreviousFrame:
    """Objects of the frame before, as peaks of heatmaps of the size of the network input.

    Attributes:
        planes: (Q,) int64, 0 for the heatmap of the centres, 1 to K for that of a corner.
        peaks_input: (Q, 2) input pixels.
        radii: (Q,) int64, input pixels, of the Gaussians.
        heights: (Q,) 0 to 1, values of the peaks.
        centers_input: (N, 2) where the objects of the frame at hand were, input pixels, NaN where
            there is no peak of it; None outside training.
        corners_input: (N, K, 2), the same of their corners.
    """

    planes: np.ndarray
    peaks_input: np.ndarray
    radii: np.ndarray
    heights: np.ndarray
    centers_input: np.ndarray | None = None
    corners_input: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        count = len(self.planes)
        check_shape('peaks_input', self.peaks_input, (count, 2))
        check_shape('radii', self.radii, (count,))
        check_shape('heights', self.heights, (count,))
        if self.centers_input is not None and self.corners_input is not None:
            check_shape('centers_input', self.centers_input, (None, 2))
            check_shape(
                'corners_input', self.corners_input, (len(self.centers_input), NUM_CORNERS, 2)
            )
