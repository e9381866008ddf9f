"""Collect what is wrong with the files of a data set, then refuse or leave them out."""

import logging
from collections.abc import Collection
from typing import Literal

from mmengine.logging import print_log

from cpose.errors import ConfigError, DataError

OnError = Literal['raise', 'skip']
SHOWN = 3


def check_on_error(on_error: str) -> None:
    """Check the policy for images that cannot be used.

    Raises:
        ConfigError: If it is none.
    """
    if on_error not in ('raise', 'skip'):
        raise ConfigError(
            'is unknown', argument='on_error', value=on_error, advice="Use 'raise' or 'skip'"
        )


class DataProblems:
    """Files of a data set that cannot be used, by reason.

    Args:
        on_error: ``'raise'`` refuses the data set, ``'skip'`` leaves the files out and logs how
            many.
    """

    def __init__(self, on_error: OnError = 'raise') -> None:
        check_on_error(on_error)
        self.on_error = on_error
        self._details: dict[str, dict[str, str]] = {}

    def __len__(self) -> int:
        """Return the number of files."""
        return len(set().union(*self._details.values()))

    def add(self, reason: str, path: str, detail: str | None = None) -> None:
        """Note a file under a reason, once.

        Args:
            reason: What is wrong, for all files that have it.
            path: The file.
            detail: Path and place in the file, if the path does not say it.
        """
        self._details.setdefault(reason, {}).setdefault(path, detail or path)

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget the files that are not among those of the data set."""
        kept = {
            reason: {path: detail for path, detail in details.items() if path in paths}
            for reason, details in self._details.items()
        }
        self._details = {reason: details for reason, details in kept.items() if details}

    def __contains__(self, path: str) -> bool:
        """Return whether something is wrong with a file."""
        return any(path in details for details in self._details.values())

    def describe(self) -> str:
        """Return a line for each reason, with how many files have it and the first few."""
        return '\n'.join(
            f'  {len(details)} × {reason}: {_first_few(list(details.values()))}'
            for reason, details in self._details.items()
        )

    def report(self, where: str) -> None:
        """Raise or log what was noted, if anything.

        Args:
            where: The data set, for the message.

        Raises:
            DataError: With ``on_error='raise'``; names the count and the first few files.
        """
        if not self._details:
            return
        reasons = self.describe()
        if self.on_error == 'raise':
            raise DataError(
                f'Unusable files in {where}: {len(self)}.\n{reasons}\n',
                advice=(
                    'Correct or remove them',
                    "Set on_error='skip' for this data set to leave them out",
                ),
            )
        text = f'Left out of {where}: {len(self)} files.\n{reasons}'
        print_log(text, logger='current', level=logging.WARNING)


def _first_few(details: list[str]) -> str:
    rest = len(details) - SHOWN
    return '; '.join(details[:SHOWN]) + (f'; and {rest} more' if rest > 0 else '')
