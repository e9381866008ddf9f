"""How published checkpoints name their parameters: tables of patterns and our names.

Source: TAO PyTorch 6.25.10, NVlabs/CenterPose, timm's and the original ImageNet weights of DLA-34,
ImageNet weights of FAN hybrids (Zhou et al., ICML 2022).
"""

import re
from collections.abc import Callable, Iterable

from cpose.checkpoints.renaming import Reasons, Rule

BRANCHES = 'hm|wh|reg|hm_hp|hp_offset|hps|scale|hps_uncertainty|scale_uncertainty'


def _rule_of_step(target: str) -> Callable[[re.Match[str]], str]:
    """Count aggregation steps from 0; ``target`` holds the step as {step}."""
    return lambda match: match.expand(target.replace('{step}', str(int(match['step']) - 1)))


def _neck_rules(source: str, target: str) -> list[Rule]:
    parts = {'proj': 'project', 'node': 'fuse'}
    rules = [
        Rule(
            rf'{source}\.{part}_(?P<step>\d+)\.{layer}\.(?P<leaf>.+)',
            _rule_of_step(rf'{target}.steps.{{step}}.{name}.{own}.\g<leaf>'),
        )
        for part, name in parts.items()
        for layer, own in (('conv', 'conv'), (r'actf\.0', 'norm'))
    ]
    upsample = _rule_of_step(rf'{target}.steps.{{step}}.upsample.weight')
    return [*rules, Rule(rf'{source}\.up_(?P<step>\d+)\.weight', upsample)]


NECK_AND_HEAD = [
    *_neck_rules(r'dla_up\.ida_(?P<level>\d+)', r'neck.refine.\g<level>'),
    *_neck_rules('ida_up', 'neck.merge'),
    Rule(r'convGRU\.cell0\.Wi([rzn])\.(\w+)', r'head.branches.association.input_gates.\2.\1'),
    Rule(r'convGRU\.cell0\.Wh([rzn])\.(\w+)', r'head.branches.association.hidden_gates.\2.\1'),
    Rule(rf'({BRANCHES})\.0\.(weight|bias)', r'head.branches.outputs.\1.hidden.\2'),
    Rule(rf'({BRANCHES})\.1\.(weight|bias)', r'head.branches.outputs.\1.norm.\2'),
    Rule(rf'({BRANCHES})\.[23]\.(weight|bias)', r'head.branches.outputs.\1.out.\2'),
]
DLA_BACKBONE = [Rule(r'((?:base_layer|level\d)\..+)', r'backbone.features.\1')]
FAN_BACKBONE = [
    Rule(r'patch_embed\.backbone\.stem\.0\.(\w+)', r'backbone.stem.0.0.0.\1'),
    Rule(r'patch_embed\.backbone\.stem\.1\.(\w+)', r'backbone.stem.0.0.1.norm.\1'),
    Rule(r'patch_embed\.backbone\.stages\.1\.downsample\.0\.(\w+)', r'backbone.stem.1.0.0.norm.\1'),
    Rule(r'patch_embed\.backbone\.stages\.1\.downsample\.1\.(\w+)', r'backbone.stem.1.0.1.\1'),
    Rule(
        r'patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)\.(?:mlp\.)?(.+)',
        r'backbone.stem.\1.1.\2.\3',
    ),
    Rule(r'patch_embed\.proj\.(\w+)', r'backbone.patch_proj.\1'),
    Rule(r'pos_embed\.(.+)', r'backbone.position.\1'),
    Rule(r'(blocks\.\d+\.(?:gamma|norm|attn).*)', r'backbone.\1'),
    Rule(r'(blocks\.\d+)\.mlp\.(temperature|q\..+)', r'backbone.\1.channel_attn.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.norm_v\.(.+)', r'backbone.\1.channel_attn.norm.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.mlp_v\.dwconv\.bn\.(.+)', r'backbone.\1.channel_attn.mlp.norm.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.mlp_v\.(?:dwconv\.)?(.+)', r'backbone.\1.channel_attn.mlp.\2'),
    Rule(r'cls_attn_blocks\.(\d+)\.(gamma1|norm[12]\..+)', r'backbone.refinement.\1.\2'),
    Rule(r'out_norm(\d)\.(.+)', r'backbone.out_norms.\1.norm.\2'),
    Rule(r'(learnable_downsample\..+)', r'backbone.\1'),
]

DLA_DROPPED: Reasons = {
    r'fc\..+': 'classifier of the ImageNet network',
    r'level[34]\.project\..+': 'computed by the original network, its result is not used',
}
FAN_DROPPED: Reasons = {
    r'cls_token': 'class token, which only the classifier reads',
    r'cls_attn_blocks\.\d+\.(?:gamma2|attn\..+|mlp\..+)': 'change the class token only',
}
CLASSIFIER: Reasons = {
    r'ema_.+': 'running average of the training, beside the weights',
    r'norm\..+': 'norm before the classifier',
    r'head\..+': 'classifier of the ImageNet network',
    r'patch_embed\.backbone\.head\..+': 'classifier of the convolutional stem',
}


def in_whole_model(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules of a backbone that is the part ``base`` of a whole model, and the rest."""
    return [*(Rule(rf'base\.{rule.pattern}', rule.name) for rule in rules), *NECK_AND_HEAD]


def dropped_in_whole_model(reasons: Reasons) -> Reasons:
    """Return what is left out of a backbone that is the part ``base`` of a whole model."""
    return {rf'base\.{pattern}': reason for pattern, reason in reasons.items()}
