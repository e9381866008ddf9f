"""Branches of logarithmic variances: how sure the head is of its corners and dimensions.

Source: Lin et al., "Keypoint-Based Category-Level Object Pose Tracking from an RGB Sequence with
Uncertainty Estimation", section III.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from torch import Tensor

from cpose.codecs.base import Branch, Output
from cpose.codecs.branches import CenterBranch
from cpose.codecs.detection_checks import ADVICE
from cpose.codecs.detections import Detections
from cpose.errors import CheckpointError
from cpose.geometry.cuboid_pose import DIMS_STD, KEYPOINTS_STD
from cpose.registry import BRANCHES
from cpose.structures.cuboid import NUM_CORNERS

SUFFIX = '_uncertainty'
"""What the name of such a branch has after that of the other one, also in checkpoints."""


class LogVarianceBranch(CenterBranch):
    """Base: logarithm of the variance of each value of another branch, trained by its loss.

    Args:
        of: The other branch.
    """

    std_output: ClassVar[str]
    """Name of the decoded standard deviations, in the unit of the other branch's target."""

    def __init__(self, of: Branch) -> None:
        super().__init__(name=of.name + SUFFIX)
        self.channels = of.channels
        self.step = of.step

    @property
    def is_trained(self) -> bool:
        """Return that the loss of the other branch reads it."""
        return True

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return the standard deviations."""
        return {self.std_output: (detections.read(self.name) / 2).exp()}

    def _read_std(self, decoded: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the standard deviations of objects, (N, channels) float64.

        Raises:
            CheckpointError: If one is not finite and above 0.
        """
        std = decoded[self.std_output].astype(np.float64)
        is_wrong = ~(np.isfinite(std) & (std > 0))
        if is_wrong.any():
            raise CheckpointError(
                f'The output {self.std_output} holds standard deviations, which must be finite '
                f'and above 0, not {std[is_wrong][0]:g}',
                advice=ADVICE,
            )
        return std


@BRANCHES.register_module()
class CornerStdBranch(LogVarianceBranch):
    """Standard deviations of the displaced corners."""

    std_output = 'kps_displacement_std'
    outputs: Mapping[str, Output] = {std_output: Output(2 * NUM_CORNERS, 'cells')}
    extras: Mapping[str, str] = {KEYPOINTS_STD: 'pixels'}

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return ``keypoints_std`` (N, 8, 2) in x and y; errors in x and y are independent."""
        std = self._read_std(decoded)
        variance = np.square(std).reshape(-1, NUM_CORNERS, 2)
        return {KEYPOINTS_STD: np.sqrt(variance @ np.square(image_from_heatmap[:, :2]).T)}


@BRANCHES.register_module()
class DimsStdBranch(LogVarianceBranch):
    """Standard deviations of the decoded extents, in their unit.

    Args:
        of: The branch of the extents.
    """

    std_output = 'obj_scale_std'

    def __init__(self, of: Branch) -> None:
        super().__init__(of)
        (extents,) = of.outputs.values()
        self.outputs = {self.std_output: extents}
        self.extras = {DIMS_STD: extents.unit}

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return ``dims_std`` (N, 3)."""
        return {DIMS_STD: self._read_std(decoded)}
