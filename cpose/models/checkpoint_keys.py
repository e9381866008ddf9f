"""Names of parameters in published checkpoints, turned into ours by the registered families."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cpose.errors import CheckpointError, nearest_names
from cpose.registry import WEIGHT_FAMILIES

SHOWN = 5


def weight_families() -> dict[str, Any]:
    """Return every registered family, a `cpose.checkpoints.base.WeightFamily`, by name."""
    WEIGHT_FAMILIES.import_from_location()
    return {name: build() for name, build in WEIGHT_FAMILIES.module_dict.items()}


def detect_family(state_dict: Mapping[str, Tensor]) -> str:
    """Tell how a checkpoint names its parameters.

    Args:
        state_dict: Tensors by their names in the checkpoint.

    Returns:
        The name of the only family that recognises them.

    Raises:
        CheckpointError: If no family does, or several do.
    """
    families = weight_families()
    found = [name for name, family in families.items() if family.recognise(state_dict)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError(
            f'is of no known family; its keys begin with {sorted(state_dict)[:SHOWN]}. Known '
            f'families: {", ".join(families)}',
            argument='checkpoint',
            advice='Add another by a class in WEIGHT_FAMILIES',
        )
    raise CheckpointError(
        f'is recognised by all of the families {", ".join(found)}',
        argument='checkpoint',
        advice='Make recognise() of the family that was added stricter',
    )


def convert(state_dict: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """Rename the parameters of one family to ours; nothing is changed in place.

    Args:
        state_dict: Tensors by their names in the family.
        family: As `detect_family` tells it.

    Returns:
        Tensors by the names in `CenterPose`; those of a backbone begin with ``backbone.``.

    Raises:
        CheckpointError: If the family is unknown, or keys have no counterpart; lists them.
    """
    families = weight_families()
    if family not in families:
        raise CheckpointError(
            'is no known family of checkpoints',
            argument='family',
            value=family,
            advice=nearest_names(family, families),
        )
    return families[family].rename(state_dict)
