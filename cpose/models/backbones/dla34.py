"""Deep layer aggregation network with 34 layers."""

from collections.abc import Mapping, Sequence
from typing import Any

from cpose.models.backbones.pretrained_weights import load_backbone_weights
from cpose.models.backbones.timm_backbone import TimmBackbone
from cpose.registry import MODELS


@MODELS.register_module()
class DLA34(TimmBackbone):
    """DLA-34, the small backbone of CenterNet and CenterPose.

    Levels of stride 1, 2, 4, 8, 16, 32 have 16, 32, 64, 128, 256, 512 channels. The ``project``
    layers of the two nested trees, which the original computes and drops, do not exist here.

    Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figure 3 and table 1, as in timm.

    Args:
        pretrained: Download timm's ImageNet weights when built.
        out_strides: Strides of the levels to return, finest first.
        pretrained_path: File with ImageNet weights, timm's or the original ``dla34-ba72cf86.pth``;
            an empty string is none.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        pretrained: bool = False,
        out_strides: Sequence[int] = (4, 8, 16, 32),
        pretrained_path: str | None = None,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__('dla34', pretrained, out_strides, init_cfg)
        if pretrained_path:
            load_backbone_weights(self, pretrained_path)
