"""Rules of the targets: where the centre is, which corners count, how dimensions are encoded."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor

from cpose.errors import ConfigError
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


@CODECS.register_module()
class ProjectedCenter:
    """Use the projected 3D centre (option ``center_3D`` of the reference).

    An object whose centre is off the map gets no target.
    """

    def place(self, boxes_heatmap: np.ndarray, centers_heatmap: np.ndarray) -> np.ndarray:
        """Return the centres, (..., 2) heatmap cells; arguments as in `BoxCenter.place`."""
        return np.broadcast_to(centers_heatmap, (*boxes_heatmap.shape[:-1], 2))


@CODECS.register_module()
class SubpixelCorners:
    """Place corners exactly; the reference drops the fraction and what is cut off.

    Deviation: TAO PyTorch 6.25.10 stores corners in an integer array, so that its offset branch
    is trained towards 0, and gives corners outside the image no target at all. Truncated objects
    then have no supervision where it is needed most.
    """

    def place(self, corners_heatmap: np.ndarray) -> np.ndarray:
        """Return the corner positions to encode, (..., 2) heatmap cells."""
        return corners_heatmap

    def has_displacement(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a displacement target: all, (...) bool."""
        return np.ones_like(is_inside)

    def has_heatmap(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a peak: those on the map and in the image, (...) bool."""
        return is_inside & is_in_image


@CODECS.register_module()
class TruncatedCorners:
    """Drop the fraction of corners towards zero and ignore corners outside image or map.

    Source: TAO PyTorch 6.25.10. For comparison with models trained there.
    """

    def place(self, corners_heatmap: np.ndarray) -> np.ndarray:
        """Return the corner positions to encode, (..., 2) whole heatmap cells."""
        return np.trunc(corners_heatmap)

    def has_displacement(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a displacement target: the visible ones, (...) bool."""
        return is_inside & is_in_image

    def has_heatmap(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a peak: the visible ones, (...) bool."""
        return is_inside & is_in_image


@CODECS.register_module()
class AbsoluteDims:
    """Predict metric extents (option ``use_absolute_scale`` of the reference)."""

    unit = 'metres'

    def encode(self, dims_metric: np.ndarray) -> np.ndarray:
        """Return the target, (..., 3) metres, of metric extents (..., 3)."""
        return np.abs(dims_metric)

    def decode(self, dims: Tensor) -> Tensor:
        """Return the extents, (..., 3) metres, of a prediction (..., 3)."""
        return dims


@CODECS.register_module()
class RelativeDims:
    """Predict extents divided by the y extent.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from
    an RGB Image", section III-A.
    """

    unit = 'relative'

    def encode(self, dims_metric: np.ndarray) -> np.ndarray:
        """Return the target, (..., 3) relative, of metric extents (..., 3)."""
        extents = np.abs(dims_metric)
        height = extents[..., 1:2]
        return np.divide(extents, height, out=np.ones_like(extents), where=height > 0)

    def decode(self, dims: Tensor) -> Tensor:
        """Return the extents, (..., 3), of a prediction (..., 3)."""
        return dims


@CODECS.register_module()
class ResidualDims(RelativeDims):
    """Predict the logarithm of relative extents over a reference (``use_residual``).

    Args:
        reference: Mean relative extents along x, y, z of the category, or such three numbers for
            each category.

    Attributes:
        references: (C, 3), one row for all categories or one each.

    Raises:
        ConfigError: If there are not three positive numbers each.
    """

    def __init__(self, reference: Sequence[float] | Sequence[Sequence[float]]) -> None:
        is_one_each = _is_list(reference) and reference and _is_list(reference[0])
        rows: Any = reference if is_one_each else [reference]
        if not all(_is_list(row) and len(row) == 3 and all(map(_is_positive, row)) for row in rows):
            raise ConfigError(
                'must be three positive numbers: mean x, y, z extents divided by y; for several '
                'categories such a list each',
                argument='reference',
                value=reference,
            )
        self.references = tuple(tuple(float(value) for value in row) for row in rows)

    def decode(self, dims: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the relative extents of a prediction.

        Args:
            dims: (..., 3) prediction.
            labels: (...) int64 category numbers; None with one reference for all.
        """
        references = dims.new_tensor(self.references)
        return dims.exp() * (references[0] if labels is None else references[labels])


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < np.inf


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
