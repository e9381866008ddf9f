"""The database of a search."""

import logging
import random
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cpose.errors import ConfigError, OutputError, import_extra

HEARTBEAT_SECONDS = 30
GRACE_SECONDS = 150
"""A trial on another machine counts as dead after this long without a sign of life."""
MOST_TRIES = 20
"""How often a database is opened anew that another process makes at the same time."""


def storage_url(url: str, folder: Path) -> str:
    """Return the given URL, or that of an SQLite file in the folder of the search.

    Raises:
        OutputError: If the folder cannot be made.
    """
    if url:
        return url
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'{folder} cannot be made: {error.strerror}. Choose another results_dir.'
        ) from error
    return f'sqlite:///{folder.resolve() / "study.db"}'


def open_storage(url: str, place: str, when_dead: Callable[[Any, Any], None]) -> Any:
    """Open or make a database; any number of processes may do so at the same time.

    Args:
        url: As SQLAlchemy has it, for example ``postgresql://user:password@host/name``.
        place: File and line of the URL, for the message.
        when_dead: Called with study and trial when a trial gave no sign of life for long.

    Raises:
        ConfigError: If it cannot be opened; passwords are hidden.
    """
    optuna = import_extra('optuna', 'tao')
    sqlalchemy = import_extra('sqlalchemy', 'tao')
    optuna.logging.set_verbosity(logging.ERROR)
    broken = (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', optuna.exceptions.ExperimentalWarning)
            return _retry_while_others_make_it(
                lambda: optuna.storages.RDBStorage(
                    url,
                    heartbeat_interval=HEARTBEAT_SECONDS,
                    grace_period=GRACE_SECONDS,
                    heartbeat_stale_trial_callback=when_dead,
                )
            )
    except (*broken, ImportError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f'{place}: automl.storage={hide_password(url)!r} cannot be opened: '
            f'{_reason(error)}. Allowed: a URL of SQLAlchemy, for example '
            'sqlite:////folder/study.db or postgresql://user:password@host/name.'
        ) from error


def hide_password(url: str) -> str:
    """Return a URL that can be shown."""
    sqlalchemy = import_extra('sqlalchemy', 'tao')
    try:
        return str(sqlalchemy.engine.make_url(url).render_as_string(hide_password=True))
    except sqlalchemy.exc.ArgumentError:
        return url.rpartition('@')[2]


def _retry_while_others_make_it(connect: Callable[[], Any]) -> Any:
    """Call a function again after failures that mean: another process was faster."""
    sqlalchemy = import_extra('sqlalchemy', 'tao')
    for _ in range(MOST_TRIES):
        try:
            return connect()
        except sqlalchemy.exc.DBAPIError as error:
            taken = isinstance(error, sqlalchemy.exc.IntegrityError)
            if not taken and 'already exists' not in str(error.orig):
                raise
        time.sleep(random.uniform(0.02, 0.2))
    return connect()


def _reason(error: BaseException) -> str:
    """Return the cause in one line; SQLAlchemy hides it behind its own advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(getattr(error, 'orig', None) or error).strip()
    return (text.splitlines() or [type(error).__name__])[0].rstrip('.')
