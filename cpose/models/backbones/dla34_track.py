"""DLA-34 that also reads the frame before, as CenterPoseTrack does."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from cpose.models.backbones.frame_before import split_frames
from cpose.models.backbones.timm_backbone import TimmBackbone
from cpose.registry import MODELS
from cpose.structures.previous_frame import PREVIOUS_CHANNELS


class TrackingStem(nn.Sequential):
    """First layer of a network, and one like it for each input of the frame before; their sum.

    Source: Zhou et al., "Tracking Objects as Points" (ECCV 2020), section 4.1, with the corner
    heatmaps of Lin et al., "Keypoint-Based Category-Level Object Pose Tracking from an RGB Sequence
    with Uncertainty Estimation" (ICRA 2022).

    Args:
        stem: Convolution, norm and activation; they keep their names.
    """

    def __init__(self, stem: nn.Sequential) -> None:
        super().__init__(*stem)
        for name, channels in PREVIOUS_CHANNELS.items():
            self.add_module(name, _layer_alike(stem, channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn (B, `ALL_CHANNELS`, H, W), or images alone, into one map (B, C, H, W).

        Raises:
            ConfigError: See `split_frames`.
        """
        image, *before = split_frames(inputs)
        conv, norm, activation, *layers = self
        feature = activation(norm(conv(image)))
        for layer, part in zip(layers, before, strict=True):
            feature = feature + layer(part)
        return feature


def _layer_alike(stem: nn.Sequential, channels: int) -> nn.Sequential:
    conv: Any = stem[0]
    norm: Any = stem[1]
    like: dict[str, Any] = {'stride': conv.stride, 'padding': conv.padding, 'bias': False}
    return nn.Sequential(
        nn.Conv2d(channels, conv.out_channels, conv.kernel_size, **like),
        nn.BatchNorm2d(conv.out_channels, norm.eps, norm.momentum),
        nn.ReLU(inplace=True),
    )


@MODELS.register_module()
class DLA34Track(TimmBackbone):
    """DLA-34 with first layers of their own for what is known of the frame before.

    These are the previous image, the heatmap of the centres found in it and those of the corners.
    An image alone counts as its own previous frame, in which nothing was found: the first frame of
    a video is so.

    Source: NVlabs/CenterPose, ``dla_34`` of CenterPoseTrack; the maps are those of `DLA34`.

    Args:
        pretrained: Download timm's ImageNet weights when built, or take them from the cache; they
            have none for the frame before.
        out_strides: Strides of the levels to return, finest first.
        pretrained_path: File with ImageNet weights, see `DLA34`.
        init_cfg: MMEngine's initialisation config.
    """

    optional_weights = tuple(f'features.base_layer.{name}.*' for name in PREVIOUS_CHANNELS)

    def __init__(
        self,
        pretrained: bool = False,
        out_strides: Sequence[int] = (4, 8, 16, 32),
        pretrained_path: str | None = None,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__('dla34', pretrained, out_strides, pretrained_path, 0, init_cfg)

    def finish(self, pretrained_path: str | None, frozen_stages: int) -> None:
        """Add the further layers, then load the weights."""
        self.features.base_layer = TrackingStem(self.features.base_layer)  # type: ignore[arg-type]
        super().finish(pretrained_path, frozen_stages)
