"""What moved in configs since the first release, told once.

Files of users, options of the command line, and the configs inside checkpoints and ONNX files go
through `rename_config`, so that the old names go on loading.
"""

from collections.abc import Iterator, Mapping
from typing import Any

MOVED_KEYS = {
    'model.head.recovery': 'model.head.postprocessor',
    'model.head.postprocessor.score_thr': 'model.head.postprocessor.eval_score_thr',
    'model.head.postprocessor.dims_fit': 'model.head.postprocessor.dims_refiner',
    'model.head.criterion.symmetry_choice': 'model.head.criterion.symmetry_assignment',
    'model.head.criterion.terms.*': 'model.head.branches.*.loss',
    'model.head.codec.dims_coder': 'model.head.branches.scale.coder',
    'model.head.codec.max_objs': 'train_dataloader.dataset.max_objs',
}
"""Old place to new place, in this order; ``*`` stands for one key."""

GONE_KEYS = ('model.head.criterion.terms',)
"""Places at which nothing is left to say: null or empty there, which meant the defaults."""

RENAMED_TYPES = {
    'PoseRecovery': 'PosePostprocessor',
    'ImageSymmetryChoice': 'ImageSymmetryAssignment',
    'ObjectSymmetryChoice': 'ObjectSymmetryAssignment',
}
"""Old name of a registered class to its new name."""

KEPT_KEYS = ('loss_weight',)
"""Settings that stay where a part of another type takes a place."""

Keys = tuple[str, ...]


def rename_config(tree: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a config with the names of today, and what was renamed.

    What stands at an old place was meant by whoever wrote it and wins over what a base says at the
    new one; dicts are merged, unless they are parts of different types.

    Args:
        tree: Nested dicts and lists, left unchanged.

    Returns:
        The new tree; and old name to new name of all keys and types that were found.
    """
    found: dict[str, str] = {}
    renamed = _rename_types(dict(tree), found)
    for old, new in MOVED_KEYS.items():
        for old_path in list(_matches(renamed, tuple(old.split('.')))):
            new_path = _fill_in(new, old, old_path)
            found['.'.join(old_path)] = '.'.join(new_path)
            _move(renamed, old_path, new_path)
    for gone in GONE_KEYS:
        for path in list(_matches(renamed, tuple(gone.split('.')))):
            _take(renamed, path)
    return renamed, found


def _rename_types(node: Any, found: dict[str, str]) -> Any:
    if isinstance(node, Mapping):
        changed = {key: _rename_types(value, found) for key, value in node.items()}
        kind = changed.get('type')
        scope, dot, name = str(kind).rpartition('.')
        if isinstance(kind, str) and name in RENAMED_TYPES:
            found[name] = RENAMED_TYPES[name]
            changed['type'] = f'{scope}{dot}{RENAMED_TYPES[name]}'
        return changed
    if isinstance(node, list | tuple):
        return type(node)(_rename_types(item, found) for item in node)
    return node


def _matches(tree: Mapping[str, Any], pattern: Keys) -> Iterator[Keys]:
    """Yield the paths in a tree that a pattern stands for."""
    first, *rest = pattern
    names = list(tree) if first == '*' else [first] if first in tree else []
    for name in names:
        if not rest:
            yield (name,)
        elif isinstance(tree[name], Mapping):
            for path in _matches(tree[name], tuple(rest)):
                yield (name, *path)


def _fill_in(new: str, old: str, path: Keys) -> Keys:
    wild = [name for word, name in zip(old.split('.'), path, strict=True) if word == '*']
    return tuple(wild.pop(0) if word == '*' else word for word in new.split('.'))


def _move(tree: dict[str, Any], old: Keys, new: Keys) -> None:
    value = _take(tree, old)
    if not isinstance(tree.get(new[0]), dict):
        return  # a model alone: what its training data would say, nothing reads
    node: Any = tree
    for word in new[:-1]:
        if not isinstance(node.get(word), dict):
            node[word] = {}
        node = node[word]
    node[new[-1]] = _merge(node.get(new[-1]), value)


def _take(tree: dict[str, Any], path: Keys) -> Any:
    """Remove what stands at a path, and dicts that are empty then."""
    nodes: list[dict[str, Any]] = [tree]
    for word in path[:-1]:
        nodes.append(nodes[-1][word])
    value = nodes[-1].pop(path[-1])
    for node, word in zip(nodes[-2::-1], path[-2::-1], strict=True):
        if node[word]:
            break
        del node[word]
    return value


def _merge(base: Any, given: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(given, Mapping)):
        return given
    if 'type' in given and 'type' in base and given['type'] != base['type']:
        return {**{key: base[key] for key in KEPT_KEYS if key in base}, **given}
    merged = dict(base)
    for key, value in given.items():
        merged[key] = _merge(base.get(key), value)
    return merged
