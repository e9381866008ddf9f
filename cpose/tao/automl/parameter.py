"""One searched key of the spec."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A key of the spec and the values that are tried.

    Attributes:
        name: Dotted key.
        low: Smallest value, if there are no options.
        high: Largest value.
        is_whole: Whether values are whole numbers.
        is_log: Whether factors are equally likely, not differences.
        options: Values to choose from in place of a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False
    is_log: bool = False
    options: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """Let a trial of Optuna choose a value.

        Options are stored as JSON, as Optuna knows no lists.
        """
        if self.options:
            texts = [json.dumps(option) for option in self.options]
            return json.loads(trial.suggest_categorical(self.name, texts))
        if self.is_whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.is_log)

    def value_of(self, stored: Any) -> Any:
        """Return the value that a trial stores."""
        return json.loads(stored) if self.options else stored

    def describe(self) -> str:
        """Return the values in words; equal for equal searches."""
        if self.options:
            return f'one of {json.dumps(self.options)}'
        scale = 'log' if self.is_log else 'linear'
        return f'{self.low:g} to {self.high:g}, {scale}{", whole" if self.is_whole else ""}'
