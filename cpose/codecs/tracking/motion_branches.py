"""Branches that say where objects were in the frame before.

Source: Zhou et al., "Tracking Objects as Points" (ECCV 2020), section 4.2; Lin et al.,
"Keypoint-Based Category-Level Object Pose Tracking from an RGB Sequence with Uncertainty
Estimation" (ICRA 2022), section III. Letters: B batch, S symmetric candidates, M objects,
K = 8 corners, T detections, N kept detections. Unit: heatmap cells.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from cpose.codecs.base import Output
from cpose.codecs.branches import CORNER_STEP, CenterBranch
from cpose.codecs.detections import Detections
from cpose.codecs.targets import TargetGeometry
from cpose.registry import BRANCHES
from cpose.structures.cuboid import NUM_CORNERS

CENTER_MOTION, CORNER_MOTION = 'tracking', 'tracking_hp'
"""Names of the outputs, and of the entries of `ObjectPose.extras`."""


class MotionBranch(CenterBranch):
    """Base: where something was in the frame before, relative to where it is.

    Targets are the peaks that were drawn into the heatmaps of the frame before, shifted as they
    are; what has no peak there has no target.
    """

    def _targets(self, motion: np.ndarray) -> dict[str, np.ndarray]:
        """Return target and mask of motions (B, S, M, 2 n), NaN where unknown."""
        return {self.target: np.nan_to_num(motion), f'{self.target}_mask': np.isfinite(motion)}


@BRANCHES.register_module()
class CenterTrackingBranch(MotionBranch):
    """Previous centre relative to the cell of the centre.

    The output is the motion of the centre itself, backwards.
    """

    channels = 2
    target = 'center_motion'
    outputs: Mapping[str, Output] = {CENTER_MOTION: Output(2, 'cells')}
    extras: Mapping[str, str] = {CENTER_MOTION: 'pixels'}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the motions, and which are known."""
        before = geometry.previous_centers[:, None]
        motion = np.where(geometry.mask[..., None], before - geometry.center_cell, np.nan)
        return self._targets(motion)

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return previous minus present centre."""
        return {CENTER_MOTION: detections.read(self.name) - detections.read('reg')}

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return ``tracking`` (N, 2), from the centre of the box to where it was."""
        return {CENTER_MOTION: _to_pixels(decoded[CENTER_MOTION], image_from_heatmap)}


@BRANCHES.register_module()
class CornerTrackingBranch(MotionBranch):
    """Previous corners relative to the present ones: x1, y1, x2, ...

    Deviation: NVlabs/CenterPose subtracts the whole cell of the present corner. With the corner
    rule `TruncatedCorners`, where corners are whole cells, it is the same here.
    """

    channels = 2 * NUM_CORNERS
    step = CORNER_STEP
    target = 'corner_motion'
    outputs: Mapping[str, Output] = {CORNER_MOTION: Output(2 * NUM_CORNERS, 'cells')}
    extras: Mapping[str, str] = {CORNER_MOTION: 'pixels'}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return the motions, and which are known."""
        motion = geometry.previous_corners[:, None] - geometry.corners
        known = np.where(geometry.has_displacement[..., None], motion, np.nan)
        return self._targets(known.reshape(*motion.shape[:3], -1))

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return ``tracking_hp`` (N, 8, 2), from the corners to where they were."""
        steps = decoded[CORNER_MOTION].reshape(-1, NUM_CORNERS, 2)
        return {CORNER_MOTION: _to_pixels(steps, image_from_heatmap)}


def _to_pixels(motion: np.ndarray, image_from_heatmap: np.ndarray) -> np.ndarray:
    return motion.astype(np.float64) @ image_from_heatmap[:, :2].T
