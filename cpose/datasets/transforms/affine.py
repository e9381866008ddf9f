"""Warps into the network input: letterbox, and random crop, scale, rotation and flip."""

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from cpose.errors import ConfigError, check_number
from cpose.geometry.affine import crop_affine, letterbox_affine, letterbox_side
from cpose.registry import TRANSFORMS
from cpose.structures.cuboid import FLIP_CORNERS


@TRANSFORMS.register_module()
class LetterboxAffine(BaseTransform):
    """Scale the image so that it just fits the input, centred; the rest is black.

    Source: Zhou et al., "Objects as Points" (CenterNet).

    Required keys: img, image_wh, input_wh. Changed keys: img, now the network input. Added keys:
    input_from_image (2, 3).
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Warp the image."""
        affine = letterbox_affine(results['image_wh'], results['input_wh'])
        results['img'] = cv2.warpAffine(
            results['img'], affine, results['input_wh'], flags=cv2.INTER_LINEAR
        )
        results['input_from_image'] = affine
        return results


STEP_ROUNDING = 1e-6
"""Share of a step by which the last one may pass the larger bound, as steps are not exact."""


@TRANSFORMS.register_module()
class RandomPoseAffine(BaseTransform):
    """Cut a random square out of the image and resize it to the network input.

    The side of the square is that of the letterbox times a factor from ``scale_range``. Its
    middle lies anywhere at least a border away from the edges of the image; the border is halved
    until it is below half of the side, as in CenterNet. Outside the image is black.

    Source: Zhou et al., "Objects as Points" (CenterNet); TAO PyTorch 6.25.10.
    Deviation: the factor is continuous unless there is a ``scale_step`` (there one of 0.6, 0.7,
    ..., 1.3) and rotation works.

    Required keys: img, image_wh, input_wh, rng, optional cand_corners. Changed keys: img, now
    the network input; cand_corners, renamed by a flip but still in original pixels. Added keys:
    input_from_image (2, 3), which includes the flip.

    Args:
        scale_range: Bounds of the factor; below 1 enlarges.
        scale_step: Distance of the factors to choose from, beginning with the smaller bound; None
            for any factor in the range.
        border: Pixels between the middle of the crop and the edges of the image.
        flip_prob: Probability of a horizontal flip.
        rotate_prob: Probability of a rotation.
        max_rotate_deg: Bound of its angle, either way.
        keep_center: Keep the middle of the image in the middle.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        scale_range: tuple[float, float],
        border: int,
        flip_prob: float,
        rotate_prob: float,
        max_rotate_deg: float,
        keep_center: bool,
        scale_step: float | None = None,
    ) -> None:
        if not 0 < scale_range[0] <= scale_range[1]:
            raise ConfigError(
                'must be two positive factors, the smaller one first',
                argument='scale_range',
                value=tuple(scale_range),
            )
        if scale_step is not None:
            check_number('scale_step', scale_step, above=0)
        check_number('flip_prob', flip_prob, least=0, most=1)
        check_number('rotate_prob', rotate_prob, least=0, most=1)
        check_number('max_rotate_deg', max_rotate_deg, least=0)
        check_number('border', border, least=0)
        self.scale_range = scale_range
        self.scale_step = scale_step
        self.border = border
        self.flip_prob = flip_prob
        self.rotate_prob = rotate_prob
        self.max_rotate_deg = max_rotate_deg
        self.keep_center = keep_center

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Draw the parameters and warp."""
        rng: np.random.Generator = results['rng']
        image_wh, input_wh = results['image_wh'], results['input_wh']
        factor = self._draw_factor(rng)
        border_wh = [halved_border(self.border, side) for side in image_wh]
        center = rng.uniform(border_wh, np.subtract(image_wh, border_wh))
        if self.keep_center:
            center = np.divide(image_wh, 2)
        is_flipped = rng.random() < self.flip_prob
        is_rotated = rng.random() < self.rotate_prob
        angle = rng.uniform(-self.max_rotate_deg, self.max_rotate_deg) if is_rotated else 0.0
        affine = crop_affine(
            center,
            letterbox_side(image_wh, input_wh) * factor,
            input_wh,
            angle,
            image_wh[0] if is_flipped else None,
        )
        if is_flipped and 'cand_corners' in results:
            results['cand_corners'] = results['cand_corners'][:, :, FLIP_CORNERS]
        results['img'] = cv2.warpAffine(results['img'], affine, input_wh, flags=cv2.INTER_LINEAR)
        results['input_from_image'] = affine
        return results

    def _draw_factor(self, rng: np.random.Generator) -> float:
        least, most = self.scale_range
        if self.scale_step is None:
            return rng.uniform(least, most)
        steps = int((most - least) / self.scale_step + STEP_ROUNDING)
        return least + self.scale_step * float(rng.integers(steps, endpoint=True))


def halved_border(border: int, side: int) -> float:
    """Halve ``border`` until it is below half of ``side``, both in pixels."""
    halved = float(border)
    while halved >= side / 2:
        halved /= 2
    return halved
