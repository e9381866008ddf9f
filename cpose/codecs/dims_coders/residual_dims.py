"""Extents as a factor on a category's mean."""

from collections.abc import Sequence

from torch import Tensor

from cpose.codecs.dims_coders.relative_dims import RelativeDims
from cpose.errors import ConfigError
from cpose.registry import CODECS


@CODECS.register_module()
class ResidualDims(RelativeDims):
    """Predict the logarithm of relative extents over a reference (``use_residual``).

    Args:
        reference: Mean relative extents along x, y, z of the category.

    Raises:
        ConfigError: If there are not three positive numbers.
    """

    def __init__(self, reference: Sequence[float]) -> None:
        if len(reference) != 3 or min(reference) <= 0:
            raise ConfigError(
                f'ResidualDims reference={list(reference)} (config key '
                'model.head.codec.dims_coder) must be three positive numbers: mean x, y, z extents '
                'divided by y.'
            )
        self.reference = tuple(float(value) for value in reference)

    def decode(self, dims: Tensor) -> Tensor:
        """Return the relative extents, (..., 3), of a prediction (..., 3)."""
        return dims.exp() * dims.new_tensor(self.reference)
