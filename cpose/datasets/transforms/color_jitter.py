"""CenterNet's colour augmentation as one linear map per image."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from cpose.errors import check_number
from cpose.registry import TRANSFORMS

GRAY_FROM_BGR = np.array([0.114, 0.587, 0.299])


@TRANSFORMS.register_module()
class CenterNetColorJitter(BaseTransform):
    """Change brightness, contrast and saturation in random order, then the lighting.

    Each of the three blends the image with black, its mean grey or its grey image. All of them
    are linear in the colour of a pixel, so they are multiplied out and applied at once.

    Source: Zhou et al., "Objects as Points" (CenterNet); lighting: Krizhevsky et al., "ImageNet
    Classification with Deep Convolutional Neural Networks", section 4.1.
    Deviation: the result is rounded to uint8 and cut to 0..255.

    Required keys: img (h, w, 3) uint8 BGR, rng. Changed keys: img.

    Args:
        strength: Bound of the change of brightness, contrast and saturation, either way.
        lighting_std: Standard deviation of the weights of the colour components.
        eigenvalues: (3,), principal components of the colours of the data, for values 0 to 1.
        eigenvectors: (3, 3), one per column.

    Raises:
        ConfigError: If a strength is below 0.
    """

    def __init__(
        self,
        strength: float,
        lighting_std: float,
        eigenvalues: Sequence[float],
        eigenvectors: Sequence[Sequence[float]],
    ) -> None:
        check_number('strength', strength, least=0)
        check_number('lighting_std', lighting_std, least=0)
        self.strength = strength
        self.lighting_std = lighting_std
        self.components = np.asarray(eigenvectors) * np.asarray(eigenvalues)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Draw the parameters and change the colours."""
        rng: np.random.Generator = results['rng']
        image = results['img']
        factors = 1 + rng.uniform(-self.strength, self.strength, size=3)
        order = rng.permutation(3)
        lighting = rng.normal(scale=self.lighting_std, size=3)
        mean_gray = float(GRAY_FROM_BGR @ cv2.mean(image)[:3])
        matrix = color_matrix(factors, order, lighting, mean_gray, self.components)
        results['img'] = cv2.transform(image, matrix.astype(np.float32))
        return results


def color_matrix(
    factors: np.ndarray,
    order: np.ndarray,
    lighting: np.ndarray,
    mean_gray: float,
    components: np.ndarray,
) -> np.ndarray:
    """Multiply out the colour changes.

    Args:
        factors: (3,) of brightness, contrast and saturation, 1 for no change.
        order: (3,) in which order they are applied.
        lighting: (3,) weights of the principal components.
        mean_gray: Mean grey of the image before any change, 0..255.
        components: (3, 3), one component per column, its length the eigenvalue, values 0..1.

    Returns:
        (3, 4), new BGR from (B, G, R, 1), values 0..255.
    """
    blended_with = np.zeros((3, 3, 4))
    blended_with[1, :, 3] = mean_gray
    blended_with[2, :, :3] = GRAY_FROM_BGR
    matrix = np.eye(3, 4)
    for kind in order:
        matrix = factors[kind] * matrix + (1 - factors[kind]) * blended_with[kind]
    matrix[:, 3] += 255 * components @ lighting
    return matrix
