"""Failures before a task begins, told to those who follow the job."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cpose.engine.status_file import ERROR, FAILURE, STATUS_NAME, StatusFile
from cpose.errors import UserError
from cpose.tao.spec_overrides import apply_overrides
from cpose.tao.spec_yaml import read_spec_text
from cpose.tao.status import failure_message


@contextmanager
def spec_failures_recorded(path: str | Path, words: Sequence[str], task: str) -> Iterator[None]:
    """Record in ``status.json`` that a spec is wrong, if it can be read where results shall go.

    Args:
        path: The spec.
        words: Overrides ``section.key=value``.
        task: What is to be run.
    """
    try:
        yield
    except UserError as error:
        with suppress(UserError):
            folder = _results_dir(path, words, task)
            if folder is not None:
                file = StatusFile(folder / STATUS_NAME)
                file.write(FAILURE, failure_message(error), verbosity=ERROR)
        raise


def _results_dir(path: str | Path, words: Sequence[str], task: str) -> Path | None:
    """Return where results of a task shall go, if a possibly wrong spec or a word says so."""
    written: dict[str, Any] = {}
    with suppress(UserError):
        written = read_spec_text(path).values
    values, _ = apply_overrides(written, words)
    section: Any = values.get(task)
    own = section.get('results_dir') if isinstance(section, Mapping) else None
    common = values.get('results_dir')
    for folder, name in ((own, ''), (common, task)):
        if folder and isinstance(folder, str) and '$' not in folder:
            return Path(folder) / name
    return None
