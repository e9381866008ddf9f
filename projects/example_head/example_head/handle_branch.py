"""The branch: everything that head, loss, codec, exported model and results know of it."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cpose.codecs.base import Output
from cpose.codecs.branches import CORNER_STEP, CenterBranch
from cpose.codecs.targets import TargetGeometry
from cpose.registry import BRANCHES

ANGLE = 'handle_angle_deg'
"""Name in annotation files, results and JSON: degrees in the image, from +x towards +y (down)."""


@BRANCHES.register_module()
class HandleDirectionBranch(CenterBranch):
    """Cosine and sine of the angle at which the handle is seen from the centre of a cup.

    The network sees a picture that was cut, turned or mirrored: the target goes the way of the
    pixels, and the prediction goes back. A mirrored picture thus has a mirrored direction.
    """

    channels = 2
    step = CORNER_STEP
    target = 'handle_direction'
    default_loss: ClassVar = {'type': 'MaskedL1Loss', 'loss_weight': 1.0}
    outputs: ClassVar = {'handle_direction': Output(2, 'direction in the network input')}
    extras: ClassVar = {ANGLE: 'degrees'}

    def encode(self, geometry: TargetGeometry) -> dict[str, np.ndarray]:
        """Return unit vectors (B, S, M, 2), the same for all candidates, and where they count."""
        angle = np.radians(geometry.annotated(ANGLE))
        image = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        turned = np.einsum('bij,bmj->bmi', geometry.input_from_image[:, :, :2], image)
        unit = turned / np.linalg.norm(turned, axis=-1, keepdims=True)
        is_known = geometry.mask[..., None] & np.isfinite(unit)[:, None]
        return {
            self.target: np.where(is_known, unit[:, None], 0),
            f'{self.target}_mask': is_known,
        }

    def to_extras(
        self, decoded: Mapping[str, np.ndarray], image_from_heatmap: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the angles (N,) in the original image."""
        x, y = image_from_heatmap[:, :2] @ decoded['handle_direction'].T
        return {ANGLE: np.degrees(np.arctan2(y, x))}
