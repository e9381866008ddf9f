"""Fit the whole image into the network input."""

from typing import Any

import cv2
from mmcv.transforms import BaseTransform

from cpose.geometry.affine import letterbox_affine
from cpose.registry import TRANSFORMS


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
