"""The network as it is exported: pixels in, detections out."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from cpose.models.layers.fuse import fuse_for_inference


class BakedInput(nn.Module):
    """Turn RGB of 0 to 1 into what the network reads.

    Isaac ROS sends images so if its encoder is told a mean of 0 and a deviation of 1. Its own
    normalisation applies the network's statistics, which are in BGR order, to RGB.

    Args:
        preprocessor: The model's `PoseDataPreprocessor`.
    """

    scale: Tensor
    shift: Tensor
    channels: Tensor

    def __init__(self, preprocessor: Any) -> None:
        super().__init__()
        order = [0, 1, 2] if preprocessor.channel_order == 'rgb' else [2, 1, 0]
        self.register_buffer('channels', torch.tensor(order))
        self.register_buffer('scale', (255 * preprocessor.scale.double()).float())
        self.register_buffer('shift', preprocessor.shift.clone())

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (B, 3, H, W)."""
        return torch.addcmul(self.shift, images.index_select(1, self.channels), self.scale)


MAP_PREFIX = 'raw_'
"""Tensors of the graph that hold the raw maps are called so, for example ``raw_hm``."""


def map_names(model: Any) -> list[str]:
    """Return the raw maps of a `CenterPose` in the order in which its head gives them."""
    return [name for step in model.head.branches.steps for name in step]


class ExportGraph(nn.Module):
    """A copy of a model, batch norms folded, with the codec's decoding behind it.

    Args:
        model: `CenterPose` in evaluation mode; stays as it is.
        input_wh: Width and height of the input, pixels.
        is_baked: Whether the graph takes RGB of 0 to 1 and normalises it.
    """

    def __init__(self, model: Any, input_wh: tuple[int, int], is_baked: bool = False) -> None:
        super().__init__()
        network = copy.deepcopy(model).cpu().float().eval()
        fused = fuse_for_inference(network, (input_wh[1], input_wh[0]))
        self.network = fused.to(memory_format=torch.contiguous_format)
        self.bake = BakedInput(model.data_preprocessor) if is_baked else nn.Identity()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in order, then the raw maps.

        Args:
            images: (B, 3, H, W).
        """
        return self.detect(self.bake(images))

    def detect(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Do the same with the network input (B, channels, H, W)."""
        maps = self.network(inputs, mode='tensor')
        detections = self.network.head.codec.decode(maps)
        outputs = [detections[name] for name in self.network.head.codec.outputs]
        return (*outputs, *maps.values())


class TrackExportGraph(ExportGraph):
    """The same of a network that reads the frame before, each input by itself."""

    def forward(  # type: ignore[override]  # the inputs of the file
        self, images: Tensor, pre_img: Tensor, pre_hm: Tensor, pre_hm_hp: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the outputs in order, then the raw maps.

        Args:
            images: (B, 3, H, W).
            pre_img: (B, 3, H, W), the previous image, like the other one.
            pre_hm: (B, 1, H, W), heatmap of the centres found in it, 0 to 1.
            pre_hm_hp: (B, 8, H, W), heatmaps of the corners.
        """
        parts = [self.bake(images), self.bake(pre_img), pre_hm, pre_hm_hp]
        return self.detect(torch.cat(parts, dim=1))
