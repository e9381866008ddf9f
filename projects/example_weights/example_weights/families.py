"""Two families: one told by tables, one by its methods."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from cpose.checkpoints.base import Normalisation, WeightFamily
from cpose.checkpoints.renaming import Reasons, RenamingFamily, Rule
from cpose.registry import WEIGHT_FAMILIES

EMA_PREFIX = 'ema_model.'


@WEIGHT_FAMILIES.register_module(name='mobilenetv4_imagenet')
class MobileNetV4ImageNet(RenamingFamily):
    """Classification networks MobileNetV4 of timm, without attention."""

    title = 'timm MobileNetV4, ImageNet'
    is_backbone = True
    normalisation = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 'rgb')
    rules = (Rule(r'((?:conv_stem|bn1|blocks)\..+)', r'backbone.features.\1'),)
    left_out: ClassVar[Reasons] = {
        r'(?:conv_head|norm_head)\..+': 'layers that only the classifier reads',
        r'classifier\..+': 'classifier',
    }

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """Look for the stem of timm and the norm before the classifier."""
        return {'conv_stem.weight', 'norm_head.weight'} <= state_dict.keys()


@WEIGHT_FAMILIES.register_module(name='ema_pytorch')
class EmaPytorch(WeightFamily):
    """Models of this project that ``ema-pytorch`` saved: the average beside the trained weights."""

    title = 'ema-pytorch'

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """Look for an averaged head."""
        return any(key.startswith(f'{EMA_PREFIX}head.') for key in state_dict)

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take the average; counters and the trained weights beside it are left out."""
        return {
            key.removeprefix(EMA_PREFIX): value
            for key, value in state_dict.items()
            if key.startswith(EMA_PREFIX)
        }
