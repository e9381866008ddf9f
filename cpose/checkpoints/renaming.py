"""Rename parameters by tables of patterns, and the tables of published checkpoints."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from torch import Tensor

from cpose.checkpoints.base import Dropped, WeightFamily
from cpose.errors import CheckpointError

BRANCHES = 'hm|wh|reg|hm_hp|hp_offset|hps|scale|hps_uncertainty|scale_uncertainty'

WRAPPERS = re.compile(r'^(?:(?:module|model|_orig_mod)\.)+')
OWN_WRAPPERS = re.compile(r'^(?:(?:module|_orig_mod)\.)+')
"""Prefixes of distributed and of compiled models."""
SHOWN = 20

Reasons = Mapping[str, str]
"""Patterns of names that are left out, and why no output depends on them."""


def bare_name(name: str) -> str:
    """Return the name that a weight of this project has in a model without wrappers."""
    return OWN_WRAPPERS.sub('', name)


class Rule(NamedTuple):
    """Rename tensors whose name matches ``pattern`` as a whole."""

    pattern: str
    name: str | Callable[[re.Match[str]], str]


class RenamingFamily(WeightFamily):
    """A family told by two tables; only ``recognise`` is left to write.

    Attributes:
        wrappers: Prefix that is taken off first.
        rules: Renaming, the first match counts.
        left_out: Names without effect; they are looked at before the rules.
    """

    wrappers: re.Pattern[str] = WRAPPERS
    rules: Sequence[Rule] = ()
    left_out: ClassVar[Reasons] = {}

    def rules_for(self, state_dict: Mapping[str, Tensor]) -> Sequence[Rule]:
        """Return the rules; a family whose names depend on shapes makes them here."""
        return self.rules

    def unwrapped(self, state_dict: Mapping[str, Tensor]) -> dict[str, str]:
        """Return the name without its prefix, by name in the file."""
        return {key: self.wrappers.sub('', key) for key in state_dict}

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `WeightFamily`."""
        rules = self.rules_for(state_dict)
        names = {
            key: _rename(bare, rules)
            for key, bare in self.unwrapped(state_dict).items()
            if not any(re.fullmatch(pattern, bare) for pattern in self.left_out)
        }
        unknown = [key for key, name in names.items() if name is None]
        if unknown:
            raise CheckpointError(
                f'has {len(unknown)} keys without counterpart in a model of {self.title}: '
                f'{unknown[:SHOWN]}',
                argument='checkpoint',
                advice='Is it of another network?',
            )
        return {str(name): state_dict[key] for key, name in names.items()}

    def dropped(self, state_dict: Mapping[str, Tensor]) -> list[Dropped]:
        """See `WeightFamily`."""
        bare = self.unwrapped(state_dict)
        found = [
            Dropped(pattern, tuple(key for key in bare if re.fullmatch(pattern, bare[key])), reason)
            for pattern, reason in self.left_out.items()
        ]
        return [item for item in found if item.keys]


def _rename(key: str, rules: Iterable[Rule]) -> str | None:
    for pattern, name in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return match.expand(name) if isinstance(name, str) else name(match)
    return None


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


def _branch_rules(names: str) -> list[Rule]:
    return [
        Rule(rf'({names})\.0\.(weight|bias)', r'head.branches.outputs.\1.hidden.\2'),
        Rule(rf'({names})\.1\.(weight|bias)', r'head.branches.outputs.\1.norm.\2'),
        Rule(rf'({names})\.[23]\.(weight|bias)', r'head.branches.outputs.\1.out.\2'),
    ]


NECK_AND_HEAD = [
    *_neck_rules(r'dla_up\.ida_(?P<level>\d+)', r'neck.refine.\g<level>'),
    *_neck_rules('ida_up', 'neck.merge'),
    Rule(r'convGRU\.cell0\.Wi([rzn])\.(\w+)', r'head.branches.association.input_gates.\2.\1'),
    Rule(r'convGRU\.cell0\.Wh([rzn])\.(\w+)', r'head.branches.association.hidden_gates.\2.\1'),
    *_branch_rules(BRANCHES),
]
DLA_BACKBONE = [Rule(r'((?:base_layer|level\d)\..+)', r'backbone.features.\1')]
MOTION_BRANCHES = _branch_rules('tracking|tracking_hp')
PREVIOUS_LAYERS = [
    Rule(r'(pre_img|pre_hm|pre_hm_hp)_layer\.(.+)', r'backbone.features.base_layer.\1.\2')
]
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
