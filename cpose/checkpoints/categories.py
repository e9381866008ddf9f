"""The names of the categories that a model file tells, compared with those of a config.

A network knows its categories by number only, so other names, or the same in another order, would
not show anywhere but in the results. A training that starts from the weights of others takes what
belongs to a category by its name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError

CENTER_OUTPUT = ('head.branches.outputs.hm.out.weight', 'head.branches.outputs.hm.out.bias')
"""Weights that have one row per category."""


def stored_categories(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the categories in the content of a checkpoint, none if it tells none."""
    meta = stored.get('meta')
    if not isinstance(meta, Mapping):
        return ()
    data = meta.get('dataset_meta')
    names = data.get('category') if isinstance(data, Mapping) else meta.get('class_names')
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    return tuple(str(name) for name in names or ()) if is_list else ()


def check_categories(told: Sequence[str], wanted: Sequence[str], path: str | Path) -> None:
    """Check that a config names the categories of a model file, in the same order.

    A model of one category may have any name, as always.

    Args:
        told: Names in the file; none if it does not tell them.
        wanted: Names in the config; none if it does not tell them.
        path: The file, for messages.

    Raises:
        CheckpointError: If they differ.
    """
    is_one = len(told) == len(wanted) == 1
    if not told or not wanted or is_one or list(told) == list(wanted):
        return
    raise CheckpointError(
        f'tells apart {", ".join(told)}, and metainfo.category of the config names '
        f'{", ".join(wanted)}',
        argument='checkpoint',
        place=FilePlace(path),
        advice=(
            'Name the same in the same order; the key classes of a data set says what other '
            'classes of annotations count as',
            'Give another {config}',
        ),
    )


def take_categories(
    weights: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    told: Sequence[str],
    wanted: Sequence[str],
) -> tuple[dict[str, Tensor], str]:
    """Give the centre heatmap of each category the weights that were learnt for it.

    As many categories, of which none stands at another place, are the same ones, perhaps with
    other names. Otherwise a name decides, and a new one starts as the model was initialised.

    Args:
        weights: Weights to start from, by the names in the model.
        initial: State dict of the model.
        told: Names of the categories of ``weights``; none if they are not known.
        wanted: Names of the categories of the model; none if they are not known.

    Returns:
        The weights, and what became of the categories, for the log; empty if all stay.
    """
    taken = dict(weights)
    moved = [name for old, name in zip(told, wanted, strict=False) if name != old and name in told]
    heatmaps = [key for key in CENTER_OUTPUT if key in weights and len(weights[key]) == len(told)]
    if not told or not wanted or not heatmaps or (len(told) == len(wanted) and not moved):
        return taken, ''
    for key in heatmaps:
        rows = initial[key].clone()
        for place, name in enumerate(wanted):
            if name in told:
                rows[place] = weights[key][told.index(name)]
        taken[key] = rows
    parts = {
        'known': [name for name in wanted if name in told],
        'new': [name for name in wanted if name not in told],
        'left out': [name for name in told if name not in wanted],
    }
    return taken, '; '.join(f'{part}: {", ".join(names)}' for part, names in parts.items() if names)
