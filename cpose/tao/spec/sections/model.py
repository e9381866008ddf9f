"""Section ``model``."""

from typing import Literal

from pydantic import Field

from cpose.tao.spec.sections.keys import Section, Text, Whole, key


class Backbone(Section):
    """Section ``model.backbone``."""

    model_type: Literal['DLA34', 'fan_small', 'fan_base', 'fan_large'] = key(
        'fan_small', 'Feature extractor.', 'The table of the documentation has DLA34 as default.'
    )
    pretrained_backbone_path: Text = key(
        '',
        'File with ImageNet weights of the backbone.',
        'Loaded whenever it is given; TAO leaves it out unless model.use_pretrained is true.',
    )


class Model(Section):
    """The network; evaluate, inference and export take it from a checkpoint that carries it."""

    down_ratio: Literal[4, 8, 16] = key(4, 'Input pixels per heatmap cell.', 'TAO: 4 only.')
    final_kernel: Whole = key(
        1,
        'Kernel of the last convolution of a branch.',
        only_because='the branches end in a 1×1 convolution, as in all published weights',
    )
    last_level: Whole = key(
        5,
        'Coarsest level of DLA34 that is used.',
        only_because='the neck merges all levels, as in all published weights',
    )
    head_conv: Whole = key(
        256, 'Hidden channels of a branch.', 'TAO: 256 only.', ge=32, multiple_of=32
    )
    out_channel: Whole = key(
        0, "Channels of the fused map; 0: the backbone's own choice.", 'TAO: DLA34 only.', ge=0
    )
    use_convGRU: bool = key(  # noqa: N815, the name in specs
        True, 'Pass a ConvGRU from group to group of branches.'
    )
    use_pretrained: bool = key(
        False,
        'Start from ImageNet weights: a FAN needs their path, DLA34 downloads them without one.',
        'The full example of the documentation has true.',
    )
    backbone: Backbone = Field(default_factory=Backbone)
