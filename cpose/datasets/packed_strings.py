"""Many strings in two arrays, so that worker processes share them without copying."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PackedStrings:
    """An immutable sequence of strings.

    A list of Python strings is copied into every worker process as its reference counts change;
    arrays are not.

    Attributes:
        text: (bytes,) uint8, the strings one after another, as file names are encoded.
        ends: (count,) int64, where each string ends.
    """

    text: np.ndarray
    ends: np.ndarray

    @classmethod
    def pack(cls, strings: Iterable[str]) -> 'PackedStrings':
        """Store the given strings."""
        encoded = [string.encode('utf-8', 'surrogateescape') for string in strings]
        lengths = np.array([len(item) for item in encoded], dtype=np.int64)
        return cls(np.frombuffer(b''.join(encoded), dtype=np.uint8), np.cumsum(lengths))

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        """Return one string."""
        start = self.ends[index - 1] if index else 0
        return self.text[start : self.ends[index]].tobytes().decode('utf-8', 'surrogateescape')

    def tolist(self) -> list[str]:
        """Return all strings."""
        text, start, strings = self.text.tobytes(), 0, []
        for end in self.ends.tolist():
            strings.append(text[start:end].decode('utf-8', 'surrogateescape'))
            start = end
        return strings
