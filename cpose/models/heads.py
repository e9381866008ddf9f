"""The head of CenterPose: feature association, and a raw map from every output branch.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image" (ICRA 2022), figure 2.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from cpose.building import with_wiring
from cpose.codecs.base import Branch
from cpose.codecs.branches import build_branches
from cpose.errors import ConfigError, check_number
from cpose.models.layers.convolutions import Conv3x3, ConvGRU
from cpose.registry import CODECS, MODELS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, make_results

NORM_GROUPS = 32
HEATMAP_BIAS = -2.19
"""Logit of a probability of 0.1, see Zhou et al., "Objects as Points", section 5."""
SILENT_BIAS = -10.0
"""Logit of a heatmap in which no cell counts as a peak."""
READ_ORDER = ('map', 'corner', 'center')
"""Order of the branches of a step, by where they are read: that of published checkpoints."""


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


class BranchConvs(nn.Sequential):
    """One output: 3×3 convolution, optional group norm, ReLU and 1×1 convolution.

    Args:
        in_channels: Channels of the map that the branch reads.
        hidden_channels: Channels between the convolutions.
        out_channels: Channels of the raw map.
        is_heatmap: Start with a probability of 0.1 everywhere.
        has_norm: Normalise the hidden channels.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        is_heatmap: bool,
        has_norm: bool,
    ) -> None:
        hidden = Conv3x3(in_channels, hidden_channels)
        out = nn.Conv2d(hidden_channels, out_channels, kernel_size=1)
        if is_heatmap:
            nn.init.constant_(out.get_parameter('bias'), HEATMAP_BIAS)
        else:
            nn.init.zeros_(hidden.get_parameter('bias'))
            nn.init.zeros_(out.get_parameter('bias'))
        norm = {'norm': nn.GroupNorm(NORM_GROUPS, hidden_channels)} if has_norm else {}
        super().__init__(OrderedDict(hidden=hidden, **norm, act=nn.ReLU(inplace=True), out=out))


class HeadBranches(nn.Module):
    """Associate the fused map in steps and read each group of outputs from its step.

    Step 1 feeds the centre (``hm``, ``wh``, ``reg``), step 2 the corners (``hm_hp``, ``hp_offset``,
    ``hps``) and step 3 the dimensions (``scale``). Without association all branches read the fused
    map directly and have no group norm.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an
    RGB Image" (ICRA 2022), figures 2 and 3; group norm and initial values: TAO PyTorch 6.25.10.

    Args:
        in_channels: Channels of the fused map.
        branches: What is read. Those that no loss trains are frozen, with one prediction for all
            cells unless a checkpoint has weights for them. The corner heatmaps, which decoding can
            do without, have no peaks then, whatever the checkpoint.
        head_conv: Hidden channels of each branch; a multiple of 32 with association.
        use_association: Unroll a convolutional GRU instead of sharing one map.

    Raises:
        ConfigError: If the number of channels does not fit.
    """

    def __init__(
        self, in_channels: int, branches: Sequence[Branch], head_conv: int, use_association: bool
    ) -> None:
        super().__init__()
        if use_association and head_conv % NORM_GROUPS:
            raise ConfigError(
                f'must be a multiple of {NORM_GROUPS} for the group norm of use_association=True',
                argument='head_conv',
                value=head_conv,
            )
        ordered = sorted(branches, key=lambda item: (item.step, READ_ORDER.index(item.read_at)))
        num_steps = 1 + max(branch.step for branch in ordered) if use_association else 1
        self.association = ConvGRU(in_channels, num_steps) if use_association else None
        self.steps = tuple(
            tuple(item.name for item in ordered if step == item.step or not use_association)
            for step in range(num_steps)
        )
        self.outputs = nn.ModuleDict(
            {
                item.name: BranchConvs(
                    in_channels, head_conv, item.channels, item.read_at == 'map', use_association
                )
                for item in ordered
            }
        )
        for item in ordered:
            if not item.is_trained:
                self._freeze(item)

    def _freeze(self, branch: Branch) -> None:
        output = self.outputs[branch.name]
        nn.init.zeros_(output.get_parameter('out.weight'))
        output.requires_grad_(False)
        if branch.is_silent_untrained:
            _silence(output)
            output.register_load_state_dict_post_hook(_silence)

    def forward(self, feature: Tensor) -> dict[str, Tensor]:
        """Turn the fused map (B, C, H, W) into raw maps (logits), keyed by branch.

        Returns:
            ``hm`` (B, num_classes, H, W), and with as many rows and columns ``wh`` 2, ``reg`` 2,
            ``hm_hp`` 8, ``hp_offset`` 2, ``hps`` 16 (x1, y1, ..., x8, y8), ``scale`` 3 channels,
            and those of further branches.
        """
        states = [feature] if self.association is None else self.association(feature)
        maps: dict[str, Tensor] = {}
        for names, state in zip(self.steps, states, strict=True):
            maps.update({name: self.outputs[name](state) for name in names})
        return maps


def _silence(branch: nn.Module, _loaded_keys: object = None) -> None:
    """Take all peaks out of a heatmap; also called after its weights have been loaded."""
    nn.init.zeros_(branch.get_parameter('out.weight'))
    nn.init.constant_(branch.get_parameter('out.bias'), SILENT_BIAS)
