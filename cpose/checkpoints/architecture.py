"""What network a set of weights belongs to, told from names and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cpose.codecs.log_variance_branches import SUFFIX
from cpose.errors import CheckpointError
from cpose.models.backbones.fan import ARCHS

BRANCHES = 'head.branches.'
OUTPUTS = 'head.branches.outputs.'
LOG_VARIANCE = f'{SUFFIX}.out.bias'
TITLES = {
    'dla34': 'DLA34',
    'dla34_track': 'DLA34 with the frame before',
    **{f'fan_{size}': f'FAN {size}' for size in ARCHS},
}
"""Name of the base config of a backbone to the name that people use."""


@dataclass(frozen=True)
class Architecture:
    """A network, as far as its weights show it.

    Attributes:
        backbone: Name of its base config (`TITLES`); an empty string for others.
        num_classes: Number of centre heatmaps; 0 for a backbone alone.
        head_conv: Hidden channels of the branches.
        use_association: Whether a ConvGRU passes from group to group of branches.
        is_deformable: Whether the neck has deformable convolutions.
        log_variances: Branches, such as ``hps`` and ``scale``, that have an uncertainty branch.
    """

    backbone: str
    num_classes: int = 0
    head_conv: int = 0
    use_association: bool = False
    is_deformable: bool = False
    log_variances: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the facts in words."""
        backbone = TITLES.get(self.backbone, 'another backbone')
        if not self.num_classes:
            return f'{backbone}, backbone only'
        parts = [
            backbone,
            f'{"deformable" if self.is_deformable else "plain"} convolutions in the neck',
            f'{"feature" if self.use_association else "no feature"} association',
            *[f'uncertainty of {name}' for name in self.log_variances],
            '1 category' if self.num_classes == 1 else f'{self.num_classes} categories',
        ]
        return ', '.join(parts)


def infer_architecture(weights: Mapping[str, Tensor]) -> Architecture:
    """Tell the network from its weights.

    Args:
        weights: Tensors by our names, of a whole model or of a backbone.

    Raises:
        CheckpointError: If it is a FAN of unknown size, or the head is incomplete.
    """
    backbone = _infer_backbone(weights)
    if not any(key.startswith(BRANCHES) for key in weights):
        return Architecture(backbone)
    hidden, out = (f'{OUTPUTS}hm.{part}.weight' for part in ('hidden', 'out'))
    if hidden not in weights or out not in weights:
        raise CheckpointError(
            f'lack the branch of the centre (hm): no {hidden}, {out}', argument='weights'
        )
    return Architecture(
        backbone=backbone,
        num_classes=len(weights[out]),
        head_conv=len(weights[hidden]),
        use_association=any(key.startswith(f'{BRANCHES}association.') for key in weights),
        is_deformable=any('conv_offset_mask' in key for key in weights),
        log_variances=tuple(
            sorted(
                key.removeprefix(OUTPUTS).removesuffix(LOG_VARIANCE)
                for key in weights
                if key.startswith(OUTPUTS) and key.endswith(LOG_VARIANCE)
            )
        ),
    )


def _infer_backbone(weights: Mapping[str, Tensor]) -> str:
    if 'backbone.features.base_layer.0.weight' in weights:
        has_previous = 'backbone.features.base_layer.pre_img.0.weight' in weights
        return 'dla34_track' if has_previous else 'dla34'
    projection = weights.get('backbone.patch_proj.weight')
    if projection is None:
        return ''
    prefix = 'backbone.blocks.'
    blocks = {key.removeprefix(prefix).split('.')[0] for key in weights if key.startswith(prefix)}
    for size, arch in ARCHS.items():
        if (arch.channels, arch.num_blocks) == (len(projection), len(blocks)):
            return f'fan_{size}'
    known = ', '.join(
        f'{size} ({arch.channels} and {arch.num_blocks})' for size, arch in ARCHS.items()
    )
    raise CheckpointError(
        f'has a FAN backbone of {len(projection)} channels and {len(blocks)} blocks, which is no '
        'known size',
        argument='weights',
        advice=f'Known: {known}',
    )
