"""The names of the categories that a model file tells, compared with those of a config.

A network knows its categories by number only, so other names, or the same in another order, would
not show anywhere but in the results.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError


def stored_categories(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the categories in the content of a checkpoint, none if it tells none."""
    meta = stored.get('meta')
    if not isinstance(meta, Mapping):
        return ()
    data = meta.get('dataset_meta')
    names = data.get('category') if isinstance(data, Mapping) else meta.get('class_names')
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    return tuple(str(name) for name in names or ()) if is_list else ()


def check_categories(
    told: Sequence[str], wanted: Sequence[str], path: str | Path, may_rename: bool = False
) -> None:
    """Check that a config names the categories of a model file, in the same order.

    A model of one category may have any name, as always.

    Args:
        told: Names in the file; none if it does not tell them.
        wanted: Names in the config; none if it does not tell them.
        path: The file, for messages.
        may_rename: Whether a category may be called otherwise, such as at the start of a training;
            a name that stands at another place is wrong even then.

    Raises:
        CheckpointError: If they differ.
    """
    is_one = len(told) == len(wanted) == 1
    if not told or not wanted or is_one or list(told) == list(wanted):
        return
    if may_rename and len(told) == len(wanted):
        pairs = zip(told, wanted, strict=True)
        if not any(new != old and new in told for old, new in pairs):
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
