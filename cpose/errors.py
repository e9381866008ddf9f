"""Errors that a user can mend; the command line prints them and exits with code 2."""

import pickle
import re
import struct
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Integral, Real
from tokenize import TokenError
from typing import Any

import numpy as np

from cpose.error_places import NO_VALUE, ConfigPlace, FilePlace, NoPlace, Place, listed

MOST_NAMES = 40
"""Names listed at most where none is near."""
ARGUMENT = re.compile(r'\{([a-z_]\w*)\}')
"""How an advice names an argument."""
DAMAGED_FILE_ERRORS = (
    *(pickle.UnpicklingError, struct.error, EOFError, LookupError, ValueError, TypeError),
    *(AttributeError, AssertionError, ImportError, ArithmeticError, MemoryError, RuntimeError),
)
"""What the readers of zip archives and pickles raise on bytes that are neither."""
DAMAGED_ARRAY_ERRORS = (*DAMAGED_FILE_ERRORS, SyntaxError, TokenError, zipfile.BadZipFile)
"""What NumPy raises on arrays, whose headers it parses as literals of Python."""


class UserError(Exception):
    """Base of all errors whose message tells the user what to change.

    Constructors and functions name their argument; who knows where its value comes from adds the
    place: the builder of a config its key, a command its option.

    Args:
        problem: What is wrong. The predicate of a sentence if there is an argument or a place, for
            example 'must be above 0'; otherwise a sentence, which follows a place that is added
            later after a colon.
        argument: Name of the argument that is wrong.
        value: Its value.
        place: Where the value comes from, or the file that the error is about.
        advice: What to do, as one text or as alternatives. ``{argument}`` in it stands for what an
            argument is called where the user gave it; an alternative that names an argument which
            cannot be given there is left out.

    Attributes:
        names: What arguments are called where the user gave them; those that are not among them
            cannot be given there. None in a call from Python.
    """

    def __init__(
        self,
        problem: str,
        *,
        argument: str | None = None,
        value: Any = NO_VALUE,
        place: Place | None = None,
        advice: str | tuple[str, ...] = (),
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.argument = argument
        self.value = value
        self.place = place
        self.advice = (advice,) if isinstance(advice, str) else advice
        self.names: Mapping[str, str] | None = None

    def __str__(self) -> str:
        """Compose the message: what is wrong with which value, where, what to do."""
        subject = ''
        if self.argument or self.place:
            subject = (self.place or NoPlace()).describe(self.argument, self.value)
        if not subject and not self.advice:
            return self.problem
        is_sentence = bool(subject) and self.problem[:1].isupper()
        sentence = f'{subject}{":" if is_sentence else ""} {self.problem}'.strip()
        return f'{sentence.rstrip(".")}. {self._advise()}'.rstrip()

    def _advise(self) -> str:
        """Return the advice in the words of the place."""
        possible = [text for text in self.advice if None not in map(self._name, _mentioned(text))]
        texts = [
            ARGUMENT.sub(lambda found: self._name(found[1]) or found[1], text)
            for text in possible or self.advice
        ]
        advice = ', or '.join([*texts[:1], *(text[:1].lower() + text[1:] for text in texts[1:])])
        return advice if not advice or advice.endswith(('.', '?', '!')) else f'{advice}.'

    def _name(self, argument: str) -> str | None:
        """Return what an argument is called where it was given, None if it is not given there."""
        place = self.place or NoPlace()
        if self.names is None or argument in self.names:
            return (self.names or {}).get(argument, place.name(argument))
        return place.name(argument) if isinstance(place, ConfigPlace) else None


def _mentioned(text: str) -> list[str]:
    return ARGUMENT.findall(text)


class ConfigError(UserError, ValueError):
    """A config, spec or command-line value is missing or wrong."""


class DataError(UserError, ValueError):
    """An image, annotation or intrinsics file cannot be used."""


class CheckpointError(UserError, RuntimeError):
    """A checkpoint is unreadable, unsafe or of another model."""


class OutputError(UserError, OSError):
    """Something could not be written."""


class MissingDependencyError(UserError, ImportError):
    """An optional package is needed for the requested feature."""


class TrainingError(UserError, RuntimeError):
    """Training cannot go on, for example after a loss that is not finite."""


def plain_message(error: UserError) -> str:
    """Return the message of an error; torch puts those of worker processes behind a traceback."""
    text = str(error)
    name = f'{type(error).__module__}.{type(error).__qualname__}: '
    return text.rpartition(name)[2].strip() if text.startswith('Caught ') else text


def unwritable(
    path: Any, error: OSError, advice: str | tuple[str, ...], argument: str | None = None
) -> OutputError:
    """Return the error of the user for a file that the system does not let us write.

    Args:
        path: The file or folder.
        error: Of the system.
        advice: What to do, see `UserError`.
        argument: Name of the argument that gave the path.

    Returns:
        The error; the one given, if it is one of the user already.
    """
    if isinstance(error, OutputError):
        return error
    return OutputError(
        f'cannot be written: {error.strerror or error}',
        argument=argument,
        place=FilePlace(path),
        advice=advice,
    )


def unreadable(
    path: Any, error: OSError, kind: 'type[UserError] | None' = None, advice: str = 'Check the path'
) -> UserError:
    """Return the error of the user for a file that the system does not let us read.

    Args:
        path: The file or folder.
        error: Of the system.
        kind: Class of the error, `DataError` by default.
        advice: What to do.
    """
    return (kind or DataError)(
        f'cannot be read: {error.strerror}', place=FilePlace(path), advice=advice
    )


@contextmanager
def errors_of_file(path: Any) -> Iterator[None]:
    """Give errors of the user that have no place the file that they are about."""
    try:
        yield
    except UserError as error:
        if error.place is None:
            error.place = FilePlace(path)
        raise


def nearest_names(name: str, known: Iterable[str], count: int = 3) -> str:
    """Describe the known names, the closest to ``name`` first, for an error message."""
    names = sorted(known)
    close = get_close_matches(name, names, n=count, cutoff=0.4)
    if close:
        return f'Nearest known: {", ".join(close)}.'
    return f'Known: {listed(names, MOST_NAMES) or "none"}.'


def check_settings(argument: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise unless all keys of a nested config are known.

    Args:
        argument: Name of the config.
        given: Its keys.
        known: Keys that it may have.

    Raises:
        ConfigError: For the first one that is unknown.
    """
    names = list(known)
    for key in given:
        if key not in names:
            raise ConfigError(
                f'is no setting of {argument}',
                argument=f'{argument}.{key}',
                advice=nearest_names(key, names),
            )


LARGEST = sys.float_info.max
"""Whole numbers above it are no numbers to compute with; infinity is above it, NaN is nowhere."""


def check_number(
    argument: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    is_whole: bool = False,
    advice: str = '',
    place: Place | None = None,
) -> None:
    """Raise unless ``value`` is a finite number within its bounds.

    Args:
        argument: Name of the argument.
        value: What is checked; True and False are no numbers.
        least: Smallest value allowed.
        most: Largest value allowed.
        above: Largest value that is too small.
        is_whole: Whether it must be an int.
        advice: What to do.
        place: Where the value comes from, if it is known here.

    Raises:
        ConfigError: If it is not; it has argument and value, its problem names the bounds.
    """
    bounds = {'of at least': least, 'above': above, 'at most': most}
    is_number = isinstance(value, Integral if is_whole else Real) and not isinstance(value, bool)
    if (
        is_number
        and abs(value) <= LARGEST
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
    ):
        return
    kind = 'a whole number' if is_whole else 'a number'
    wanted = ' and '.join(f'{word} {bound}' for word, bound in bounds.items() if bound is not None)
    raise ConfigError(
        f'must be {kind} {wanted}'.rstrip(),
        argument=argument,
        value=value,
        place=place,
        advice=advice,
    )


def check_range(
    argument: str, value: Any, least: float, most: float = LARGEST, is_whole: bool = False
) -> tuple[Any, Any]:
    """Return ``value`` if it is a range (least, most) within bounds.

    Args:
        argument: Name of the argument.
        value: What is checked.
        least: Smallest value allowed.
        most: Largest value allowed.
        is_whole: Whether both ends must be whole numbers.

    Raises:
        ConfigError: If it is something else; it has argument and value.
    """
    kind = Integral if is_whole else Real
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    is_pair = is_pair and all(isinstance(end, kind) for end in value)
    if is_pair and least <= value[0] <= value[1] <= most:
        return value[0], value[1]
    numbers = 'whole numbers' if is_whole else 'numbers'
    raise ConfigError(
        f'must be a range (least, most) of {numbers} within {least:g} and {most:g}',
        argument=argument,
        value=value,
    )


def check_shape(name: str, array: np.ndarray, expected: tuple[int | None, ...]) -> None:
    """Raise unless ``array`` has the expected shape; ``None`` stands for any length.

    Raises:
        ValueError: If the shape differs; the message names both shapes.
    """
    shape = np.shape(array)
    matches = len(shape) == len(expected) and all(
        want is None or have == want for have, want in zip(shape, expected, strict=True)
    )
    if not matches:
        wanted = ', '.join('*' if want is None else str(want) for want in expected)
        raise ValueError(f'{name} has shape {shape}, expected ({wanted}).')


class TrainingInterruptedError(Exception):
    """Training was stopped by a signal after saving.

    Args:
        signal_number: 2 for Ctrl-C, 15 for a request to end.
        iteration: Complete iterations.
        checkpoint: What to resume from.
    """

    def __init__(self, signal_number: int, iteration: int, checkpoint: str) -> None:
        super().__init__(f'Training stopped after iteration {iteration}, saved {checkpoint}')
        self.signal_number = signal_number
        self.iteration = iteration
        self.checkpoint = checkpoint

    @property
    def exit_code(self) -> int:
        """Exit code by the convention of shells."""
        return 128 + self.signal_number
