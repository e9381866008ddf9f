"""Families whose names follow from tables of patterns."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from torch import Tensor

from cpose.checkpoints.base import Dropped, WeightFamily
from cpose.errors import CheckpointError

WRAPPERS = re.compile(r'^(?:(?:module|model)\.)+')
SHOWN = 20

Reasons = Mapping[str, str]
"""Patterns of names that are left out, and why no output depends on them."""


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
                advice='Is it of another network, for example one with tracking inputs?',
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
