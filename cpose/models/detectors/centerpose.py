"""The detector: preprocessor, backbone, neck and head."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor, nn

from cpose.building import with_wiring
from cpose.errors import ConfigError
from cpose.models.base import Backbone, Head, Neck
from cpose.registry import MODELS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

NORMALISATION_TOLERANCE = 0.01
"""Of mean and std for pixels of 0 to 1: two and a half grey levels."""


@MODELS.register_module()
class CenterPose(BaseModel):
    """Single-stage category-level pose network.

    The channels and strides of the parts are wired here: the neck receives ``in_channels`` and
    ``in_strides`` from the backbone, the head ``in_channels`` and ``stride`` from the neck. Maps
    and kernels are laid out with the channels last, in which convolutions are faster.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an
    RGB Image" (ICRA 2022), figure 2.

    Args:
        data_preprocessor: Config of the preprocessor.
        backbone: Config of the backbone; the module has ``out_channels`` and ``out_strides``.
        neck: Config of the neck; the module has ``out_channels`` and ``out_stride``.
        head: Config of the head; the module has ``loss`` and ``predict``.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ConfigError: If the parts do not fit each other.
    """

    def __init__(
        self,
        data_preprocessor: Mapping[str, Any],
        backbone: Mapping[str, Any],
        neck: Mapping[str, Any],
        head: Mapping[str, Any],
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(MODELS.build(dict(data_preprocessor)), init_cfg)
        self.backbone: Backbone = MODELS.build(dict(backbone))
        from_backbone = {
            'in_channels': _attribute(self.backbone, 'backbone', 'out_channels'),
            'in_strides': _attribute(self.backbone, 'backbone', 'out_strides'),
        }
        self.neck: Neck = MODELS.build(with_wiring('neck', neck, **from_backbone))
        from_neck = {
            'in_channels': _attribute(self.neck, 'neck', 'out_channels'),
            'stride': _attribute(self.neck, 'neck', 'out_stride'),
        }
        self.head: Head = MODELS.build(with_wiring('head', head, **from_neck))
        self.to(memory_format=torch.channels_last)
        self._compare_normalisation()

    def init_weights(self) -> None:
        """Initialise by the ``init_cfg`` of the parts."""
        super().init_weights()
        if getattr(self.backbone, 'init_cfg', None):
            self._compare_normalisation()

    def forward(
        self,
        inputs: Tensor,
        data_samples: Sequence[PoseDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[PoseResult]:
        """Run the network on normalised images.

        Args:
            inputs: (B, 3, H, W), or more channels as the preprocessor gives them; H and W are
                multiples of the coarsest stride.
            data_samples: One per image; needed by the modes ``loss`` and ``predict``.
            mode: ``tensor`` for raw maps, ``loss`` or ``predict``.

        Returns:
            Raw maps or losses by name, or one `PoseResult` per image.
        """
        feature = self.extract_feature(inputs)
        if mode == 'tensor':
            return self.head(feature)
        if mode not in ('loss', 'predict'):
            raise ValueError(f'mode={mode!r} is unknown. Use tensor, loss or predict.')
        if data_samples is None:
            raise ValueError(f'mode={mode!r} needs data_samples, one per image.')
        step = self.head.loss if mode == 'loss' else self.head.predict
        return step(feature, data_samples)

    def extract_feature(self, inputs: Tensor) -> Tensor:
        """Return the fused map (B, C, H / stride, W / stride) of images (B, 3, H, W)."""
        if not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
            self._check_size(inputs)
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return self.neck(self.backbone(inputs))

    def _compare_normalisation(self) -> None:
        """Warn if the backbone's weights were trained on images of another normalisation."""
        needed = getattr(self.backbone, 'weights_normalisation', None)
        if needed is None:
            return
        given = {name: getattr(self.data_preprocessor, name, None) for name in needed._fields}
        if not all(_is_near(given[name], value) for name, value in needed._asdict().items()):
            print_log(
                f'The weights of the backbone were trained with {_listed(needed._asdict())}, but '
                f'model.data_preprocessor has {_listed(given)}. Set the values of the weights in '
                'model.data_preprocessor, or expect a slower start.',
                logger='current',
                level=logging.WARNING,
            )

    def _check_size(self, inputs: Tensor) -> None:
        height, width = inputs.shape[-2:]
        coarsest = self.backbone.out_strides[-1]
        if height % coarsest or width % coarsest:
            raise ValueError(
                f'The network input is {width}×{height} pixels (width×height), but both sides must '
                f'be multiples of {coarsest}. Pad it, for example by the data preprocessor with '
                f'size_divisor={coarsest}.'
            )


def _attribute(module: nn.Module, part: str, name: str) -> Any:
    value = getattr(module, name, None)
    if value is None:
        raise ConfigError(
            f'has no attribute {name!r}',
            argument=f'{part}.type',
            value=type(module).__name__,
            advice='Set it in the class: the next part is built from it',
        )
    return tuple(value) if isinstance(value, Sequence) else value


def _is_near(given: Any, needed: Any) -> bool:
    """Whether two numbers per channel are nearly equal, or two texts equal."""
    if isinstance(needed, str) or given is None:
        return given == needed
    return bool(np.allclose(given, needed, rtol=0, atol=NORMALISATION_TOLERANCE))


def _listed(values: Mapping[str, Any]) -> str:
    return ', '.join(f'{name}={_rounded(value)}' for name, value in values.items())


def _rounded(value: Any) -> Any:
    return [round(item, 4) for item in value] if isinstance(value, tuple) else repr(value)
