"""Settings of parts as the shipped configs have them."""

from functools import cache

from cpose.apis.config.check import typed_nodes
from cpose.apis.config.load import load_config

CONFIGS = ('fan_small_bike', 'dla34_cup', 'mobilenetv4_small_cuboid')
PRESET = '_base_/compat/tao.py'


@cache
def _nodes():
    trees = [load_config(name).to_dict() for name in CONFIGS] + [load_config(PRESET).to_dict()]
    return [node for tree in trees for _, node in typed_nodes(tree)]


def settings(kind, **changes):
    """Return the arguments of the first part of a type, with changes."""
    found = next(node for node in _nodes() if node['type'] == kind)
    return {**{key: value for key, value in found.items() if key != 'type'}, **changes}


def part(kind, **changes):
    """Return the config of the first part of a type, with changes."""
    return {'type': kind, **settings(kind, **changes)}
