"""The one door for pixels: device, batch, padding and normalisation."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn import functional

from cpose.codecs.tracking.previous_heatmaps import draw_previous
from cpose.errors import ConfigError, check_number
from cpose.registry import MODELS

CHANNEL_ORDERS = ('bgr', 'rgb')


@MODELS.register_module()
class PoseDataPreprocessor(BaseDataPreprocessor):
    """Turn BGR pixels of 0 to 255 into the normalised batch that the network reads.

    Images become one batch at the right and lower end, where black pixels are added before the
    normalisation until all have one size, a multiple of ``size_divisor``.

    Args:
        mean: Mean per channel in ``channel_order``, for pixels of 0 to 1.
        std: Standard deviation per channel in ``channel_order``, for pixels of 0 to 1.
        channel_order: What the network reads, ``'bgr'`` or ``'rgb'``.
        size_divisor: Height and width become multiples of it.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If the statistics have not three entries, the order is unknown or the divisor
            is below 1.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        channel_order: str,
        size_divisor: int,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking)
        if channel_order not in CHANNEL_ORDERS:
            raise ConfigError(
                'is unknown',
                argument='channel_order',
                value=channel_order,
                advice=f'Use one of {", ".join(CHANNEL_ORDERS)}',
            )
        if len(mean) != 3:
            raise ConfigError('must be three numbers', argument='mean', value=list(mean))
        if len(std) != 3 or min(std) <= 0:
            raise ConfigError('must be three numbers above 0', argument='std', value=list(std))
        check_number('size_divisor', size_divisor, least=1, is_whole=True)
        self.mean = tuple(float(value) for value in mean)
        self.std = tuple(float(value) for value in std)
        self.channel_order = channel_order
        self.size_divisor = size_divisor
        spread = torch.tensor(self.std, dtype=torch.float64)
        shift = -torch.tensor(self.mean, dtype=torch.float64) / spread
        self.register_buffer('scale', (1 / (255 * spread)).float().view(3, 1, 1), persistent=False)
        self.register_buffer('shift', shift.float().view(3, 1, 1), persistent=False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Prepare what the data loader returned.

        Args:
            data: ``inputs``: list of (3, h, w) images or one (B, 3, h, w) tensor, BGR, 0 to 255;
                other entries, such as ``data_samples``, are passed on as they are.
            training: Not used: augmentation happens in the datasets.

        Returns:
            The same entries with ``inputs`` (B, 3, H, W) float32 on the device.
        """
        images = [
            image.to(self.device, non_blocking=self._non_blocking) for image in data['inputs']
        ]
        return {**data, 'inputs': self.normalise(self._make_batch(images))}

    def normalise(self, images: Tensor) -> Tensor:
        """Reorder and normalise BGR pixels (B, 3, H, W) of 0 to 255; returns float32."""
        if self.channel_order == 'rgb':
            images = images.flip(1)
        return torch.addcmul(self.shift, images.float(), self.scale)

    def _make_batch(self, images: Sequence[Tensor], channels: int = 3) -> Tensor:
        for image in images:
            if image.ndim != 3 or image.shape[0] != channels:
                raise ValueError(
                    f'An image has shape {tuple(image.shape)}, expected ({channels}, h, w).'
                )
        height = self._padded(max(image.shape[1] for image in images))
        width = self._padded(max(image.shape[2] for image in images))
        return torch.stack(
            [
                functional.pad(image, (0, width - image.shape[2], 0, height - image.shape[1]))
                for image in images
            ]
        )

    def _padded(self, side: int) -> int:
        return -(-side // self.size_divisor) * self.size_divisor


@MODELS.register_module()
class TrackPreprocessor(PoseDataPreprocessor):
    """Add what is known of the frame before: its pixels, and heatmaps of the objects found in it.

    The heatmaps are drawn here, at the size of the input, from `PoseDataSample.previous`. An image
    alone is its own previous frame, in which nothing was found.

    The arguments are those of `PoseDataPreprocessor`.
    """

    reads_previous = True

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Prepare what the data loader returned, or what a video gave.

        Args:
            data: ``inputs``: list of images (3, h, w), or (6, h, w) with the previous image behind,
                BGR, 0 to 255; ``data_samples`` with the previous objects, if there are any.
            training: Not used.

        Returns:
            The same entries with ``inputs`` (B, `ALL_CHANNELS`, H, W) float32 on the device.
        """
        images = [
            image.to(self.device, non_blocking=self._non_blocking) for image in data['inputs']
        ]
        pairs = [torch.cat([item, item]) if item.shape[0] == 3 else item for item in images]
        now, before = self._make_batch(pairs, channels=6).split(3, dim=1)
        samples = data.get('data_samples') or [None] * len(images)
        frames = [getattr(sample, 'previous', None) for sample in samples]
        heatmaps = draw_previous(frames, (now.shape[-2], now.shape[-1]), now.device)
        parts = [self.normalise(now), self.normalise(before), heatmaps]
        return {**data, 'inputs': torch.cat(parts, dim=1)}
