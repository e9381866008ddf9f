"""First layers for the frame before, for any backbone whose first layer is a convolution."""

import copy

import torch
from torch import Tensor, nn

from cpose.errors import ConfigError
from cpose.models.backbones.fan import FAN
from cpose.models.backbones.pretrained_backbone import PretrainedBackbone
from cpose.models.backbones.timm_backbone import TimmBackbone
from cpose.registry import MODELS
from cpose.structures.previous_frame import (
    ALL_CHANNELS,
    HEATMAP_CHANNELS,
    IMAGE_CHANNELS,
    PREVIOUS_CHANNELS,
)


class FrameBeforeConv(nn.Module):
    """First convolution of a network, and one like it for each input of the frame before.

    Their results are added up.
    Those begin at zero: weights of single images give what they give without them, and learn from
    the first step on. Weight and bias of the first convolution keep their names.

    Args:
        conv: The first convolution; it reads `IMAGE_CHANNELS`.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        # No module of this one, so that its parameters stand here, by the names that they had.
        self._image = (conv,)
        self.weight = conv.weight
        self.bias = conv.bias
        for name, channels in PREVIOUS_CHANNELS.items():
            self.add_module(name, _zero_like(conv, channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn (B, `ALL_CHANNELS`, H, W), or images alone, into one map.

        Raises:
            ConfigError: See `split_frames`.
        """
        image, *before = split_frames(inputs)
        (conv,) = self._image
        feature: Tensor = conv(image)
        for layer, part in zip(self.children(), before, strict=True):
            feature = feature + layer(part)
        return feature


def _zero_like(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return a convolution with other input channels, no bias and a kernel of zeros."""
    alike = copy.deepcopy(conv)
    alike.in_channels = channels
    kernel = conv.weight.new_zeros(conv.out_channels, channels, *conv.kernel_size)
    alike.weight = nn.Parameter(kernel)
    alike.register_parameter('bias', None)
    return alike


def split_frames(inputs: Tensor) -> tuple[Tensor, ...]:
    """Return the image, the previous image, and the heatmaps of its centres and corners.

    Args:
        inputs: (B, `ALL_CHANNELS`, H, W), or (B, 3, H, W): an image alone is its own previous
            frame, in which nothing was found.

    Raises:
        ConfigError: If there are other channels.
    """
    if inputs.shape[1] == IMAGE_CHANNELS:
        inputs = with_itself_before(inputs)
    elif inputs.shape[1] != ALL_CHANNELS:
        raise ConfigError(
            f'gives {inputs.shape[1]} channels, and a network that reads the frame before takes '
            f'{IMAGE_CHANNELS} or {ALL_CHANNELS}',
            argument='data_preprocessor',
            advice='Use the TrackPreprocessor',
        )
    return inputs.split([IMAGE_CHANNELS, *PREVIOUS_CHANNELS.values()], dim=1)


def with_itself_before(images: Tensor) -> Tensor:
    """Return (B, `ALL_CHANNELS`, H, W) of images (B, 3, H, W) that have no frame before them."""
    batch, _, height, width = images.shape
    nothing = images.new_zeros(batch, HEATMAP_CHANNELS, height, width)
    return torch.cat([images, images, nothing], dim=1)


class ReadsFrameBefore(PretrainedBackbone):
    """What makes a backbone read the frame before; its class comes first among the bases.

    Its first convolution that reads images becomes a `FrameBeforeConv`. Files need not have the
    weights of what is added, and it is trained also where the first stages are frozen.
    """

    optional_weights: tuple[str, ...] = tuple(f'*.{name}.weight' for name in PREVIOUS_CHANNELS)

    def finish(self, pretrained_path: str | None, frozen_stages: int) -> None:
        """Exchange the first convolution, then load the weights and freeze stages.

        Raises:
            ConfigError: If no convolution reads images.
        """
        self.optional_weights = (*ReadsFrameBefore.optional_weights, *super().optional_weights)
        found = [
            (name, module)
            for name, module in self.named_modules()
            if isinstance(module, nn.Conv2d) and module.in_channels == IMAGE_CHANNELS
        ]
        if not found:
            raise ConfigError(
                f'has no convolution that reads {IMAGE_CHANNELS} channels, so that there is no '
                'place for the frame before',
                argument='name',
                advice='Choose another network',
            )
        (name, conv), *_ = found
        parent, _, child = name.rpartition('.')
        stem = FrameBeforeConv(conv)
        setattr(self.get_submodule(parent), child, stem)
        super().finish(pretrained_path, frozen_stages)
        for layer in stem.children():
            layer.requires_grad_(True)


@MODELS.register_module()
class TimmTrack(ReadsFrameBefore, TimmBackbone):
    """Any `TimmBackbone` that also reads the frame before.

    Its arguments are those of `TimmBackbone`. Deviation from CenterPoseTrack, whose first layers
    are convolution, norm and activation each (`DLA34Track`): here they are convolutions before the
    first norm, and begin at zero.
    """


@MODELS.register_module()
class FANTrack(ReadsFrameBefore, FAN):
    """A `FAN` that also reads the frame before, as `TimmTrack` does.

    Its arguments are those of `FAN`.
    """
