"""Where the values of a spec come from, for messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SpecOrigin:
    """Where the values of a spec come from.

    Attributes:
        path: The spec file.
        lines: Line by dotted key, from 1.
        overridden: Dotted keys of the command line.
        given: Dotted keys of file and command line that have a value.
        missing: Dotted keys that a template marks as missing.
    """

    path: str
    lines: Mapping[str, int] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def place(self, key: str) -> str:
        """Name file and line of a key, or of the section that it is missing from."""
        name = key
        while name:
            if name in self.overridden:
                return 'Command line'
            if name in self.lines:
                return f'Spec {self.path}, line {self.lines[name]}'
            name = name.rpartition('.')[0]
        return f'Spec {self.path}'

    def gives(self, key: str) -> bool:
        """Whether a key, or anything of a section, has a value."""
        return any(name == key or name.startswith(f'{key}.') for name in self.given)
