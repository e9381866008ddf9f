"""The head of CenterPose: branches, their loss and their reading.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image" (ICRA 2022), figure 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from cpose.errors import check_number
from cpose.models.heads.head_branches import HeadBranches
from cpose.part_configs import with_defaults, with_wiring
from cpose.registry import CODECS, MODELS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, make_results

DEFAULT_CODEC = {'type': 'CenterPoseCodec'}
DEFAULT_CRITERION = {'type': 'CenterPoseLoss'}
DEFAULT_RECOVERY = {'type': 'PoseRecovery', 'score_thr': 0.05}


@MODELS.register_module()
class CenterPoseHead(BaseModule):
    """Seven branches on one feature map, and uncertainty branches where the loss reads them.

    Args:
        in_channels: Channels of the feature map.
        stride: Input pixels per cell of the feature map.
        num_classes: Number of categories, one centre heatmap each.
        head_conv: Hidden channels of a branch.
        use_association: Whether a ConvGRU passes from group to group of branches.
        codec: Config of the codec; stride and number of classes are filled in.
        criterion: Config of the loss.
        recovery: Config of the step from detections to poses; the stride is filled in. The
            default threshold is the one of evaluation.

            These three are filled up from their defaults, see `with_defaults`.
        init_cfg: Initialisation as in MMEngine.

    Attributes:
        num_classes: Number of categories.
    """

    def __init__(
        self,
        in_channels: int,
        stride: int = 4,
        num_classes: int = 1,
        head_conv: int = 256,
        use_association: bool = True,
        codec: Mapping[str, Any] = DEFAULT_CODEC,
        criterion: Mapping[str, Any] = DEFAULT_CRITERION,
        recovery: Mapping[str, Any] = DEFAULT_RECOVERY,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        check_number('model.head.num_classes', num_classes, least=1, is_whole=True)
        check_number('model.head.head_conv', head_conv, least=1, is_whole=True)
        filled_codec = with_defaults(codec, DEFAULT_CODEC)
        wiring = {'stride': stride, 'num_classes': num_classes}
        self.codec = CODECS.build(with_wiring('model.head.codec', filled_codec, **wiring))
        self.criterion = MODELS.build(with_defaults(criterion, DEFAULT_CRITERION))
        filled_recovery = with_defaults(recovery, DEFAULT_RECOVERY)
        self.recovery = CODECS.build(
            with_wiring('model.head.recovery', filled_recovery, stride=stride)
        )
        self.branches = HeadBranches(
            in_channels,
            num_classes=num_classes,
            head_conv=head_conv,
            use_association=use_association,
            uncertainty_branches=self.criterion.log_variance_branches,
            untrained_branches=self.criterion.untrained_branches,
        )

    def forward(self, feature: Tensor) -> dict[str, Tensor]:
        """Return the raw maps (B, channels, H, W) by branch: hm, wh, hps, reg, hm_hp, ..."""
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
        return make_results(samples, self.recovery(decoded, samples))
