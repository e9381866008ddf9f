"""The head of CenterPose: branches, their loss and their reading.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image" (ICRA 2022), figure 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from cpose.building import with_wiring
from cpose.codecs.branches import build_branches
from cpose.errors import check_number
from cpose.models.heads.head_branches import HeadBranches
from cpose.registry import CODECS, MODELS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, make_results


@MODELS.register_module()
class CenterPoseHead(BaseModule):
    """Output branches on one feature map, with their codec, loss and postprocessor.

    The config writes all of them out, see ``_base_/models/centerpose_head.py``; only channels,
    stride and the list of branches are filled in.

    Args:
        in_channels: Channels of the feature map.
        stride: Input pixels per cell of the feature map.
        branches: Config of each branch by name, in the order of the losses, see
            `cpose.codecs.base.Branch`. Codec, loss, exported models and results follow from it.
        codec: Config of the codec; stride, classes and branches are filled in.
        criterion: Config of the loss; the branches are filled in.
        postprocessor: Config of the step from detections to poses; stride and branches are filled
            in.
        num_classes: Number of categories, one centre heatmap each.
        head_conv: Hidden channels of a branch.
        use_association: Whether a ConvGRU passes from group to group of branches.
        init_cfg: Initialisation as in MMEngine.

    Attributes:
        num_classes: Number of categories.
    """

    def __init__(
        self,
        in_channels: int,
        stride: int,
        branches: Mapping[str, Any],
        codec: Mapping[str, Any],
        criterion: Mapping[str, Any],
        postprocessor: Mapping[str, Any],
        num_classes: int = 1,
        head_conv: int = 256,
        use_association: bool = True,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_number('num_classes', num_classes, least=1, is_whole=True)
        check_number('head_conv', head_conv, least=1, is_whole=True)
        self.num_classes = num_classes
        built = build_branches(branches, num_classes)
        parts = {'branches': built, 'stride': stride}
        wired_codec = with_wiring('codec', codec, num_classes=num_classes, **parts)
        self.codec = CODECS.build(wired_codec)
        wired_criterion = with_wiring('criterion', criterion, branches=built)
        self.criterion = MODELS.build(wired_criterion)
        wired_postprocessor = with_wiring('postprocessor', postprocessor, **parts)
        self.postprocessor = CODECS.build(wired_postprocessor)
        self.branches = HeadBranches(in_channels, built, head_conv, use_association)

    def forward(self, feature: Tensor) -> dict[str, Tensor]:
        """Return the raw maps (B, channels, H, W) by branch: hm, wh, reg, hm_hp, ..."""
        return self.branches(feature)

    def loss(self, feature: Tensor, samples: Sequence[PoseDataSample]) -> dict[str, Tensor]:
        """Return the weighted loss of every branch.

        Args:
            feature: (B, in_channels, H, W).
            samples: What is known of the images, with training candidates.
        """
        maps = self(feature)
        with torch.no_grad(), torch.autocast(feature.device.type, enabled=False):
            targets = self.codec.encode(samples, feature.device, maps['hm'].shape[-2:])
        with torch.autocast(feature.device.type, enabled=False):
            return self.criterion(maps, targets, self.codec)

    def predict(self, feature: Tensor, samples: Sequence[PoseDataSample]) -> list[PoseResult]:
        """Return the poses of every image, in pixels of the original image.

        Args:
            feature: (B, in_channels, H, W).
            samples: What is known of the images.
        """
        decoded = self.codec.decode(self(feature))
        return make_results(samples, self.postprocessor(decoded, samples))
