"""A search that can be left and taken up again, by any number of processes."""

import logging
import random
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cpose.errors import ConfigError, unwritable
from cpose.optional_packages import import_extra
from cpose.tao.automl.trials import TrialFolder

SETTINGS = 'settings'
FOLDER = 'folder'
"""Attribute of a trial: where it works; set by the process that holds the folder."""
BEGUN_IN = 'begun_in'
"""Attribute of a queued trial: where its earlier attempts worked."""
ATTEMPT = 'attempt'
MOST_ATTEMPTS = 3
"""How often a trial is begun at most: once, and again each time its process was killed."""


def open_study(
    storage: Any, name: str, direction: str, pruner: Any, settings: Mapping[str, str]
) -> Any:
    """Open a search, or begin it.

    Args:
        storage: Of Optuna.
        name: Of the search.
        direction: 'maximize' or 'minimize'.
        pruner: What ends weak trials.
        settings: What has to be equal for trials to be comparable.

    Raises:
        ConfigError: If the stored search has other settings.
    """
    optuna = import_extra('optuna', 'tao')
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction=direction,
        pruner=pruner,
        load_if_exists=True,
    )
    stored = study.user_attrs.get(SETTINGS)
    if stored is None:
        study.set_user_attr(SETTINGS, dict(settings))
        return study
    names = sorted(name for name in {*stored, *settings} if stored.get(name) != settings.get(name))
    if names:
        pairs = '; '.join(
            f'{key}: stored {stored.get(key, "nothing")}, now {settings.get(key, "nothing")}'
            for key in names
        )
        raise ConfigError(
            f'is a stored search of other settings: {pairs}',
            argument='study_name',
            value=name,
            advice=('Restore them to go on with it', 'Choose another {study_name}'),
        )
    return study


def take_up_left_trials(study: Any) -> None:
    """Queue trials again whose process has ended; they go on in their folder."""
    for trial in _trials(study, 'RUNNING'):
        folder = trial.user_attrs.get(FOLDER)
        if folder and TrialFolder(Path(folder)).is_left() and _fail(study, trial):
            repeat_trial(study, trial)


def repeat_trial(study: Any, trial: Any) -> None:
    """Queue a failed trial again, unless it killed its process too often."""
    attempt = trial.user_attrs.get(ATTEMPT, 1)
    if attempt < MOST_ATTEMPTS:
        folder = trial.user_attrs.get(FOLDER) or trial.user_attrs.get(BEGUN_IN)
        attributes = {BEGUN_IN: folder, ATTEMPT: attempt + 1}
        study.enqueue_trial(trial.params, user_attrs=attributes)


def missing_trials(study: Any, wanted: int) -> int:
    """Return how many trials have still to be begun."""
    return wanted - len(_trials(study, 'COMPLETE', 'PRUNED', 'RUNNING'))


def finished_trials(study: Any) -> list[Any]:
    """Return trials that ended by themselves or were stopped early, by number."""
    return _trials(study, 'COMPLETE', 'PRUNED')


def best_trial(study: Any) -> Any | None:
    """Return the best complete trial, or None if there is none."""
    return study.best_trial if _trials(study, 'COMPLETE') else None


def trial_folder(root: Path, trial: Any) -> TrialFolder:
    """Return where a trial works: where it was begun, if that is a folder of this machine."""
    begun = trial.user_attrs.get(BEGUN_IN)
    if begun and Path(begun).is_dir():
        return TrialFolder(Path(begun))
    return TrialFolder(root.resolve() / f'trial_{trial.number:03d}')


def _trials(study: Any, *names: str) -> list[Any]:
    states = import_extra('optuna.trial', 'tao').TrialState
    wanted = tuple(getattr(states, name) for name in names)
    return list(study.get_trials(deepcopy=False, states=wanted))


def _fail(study: Any, trial: Any) -> bool:
    """Mark a trial as failed; of several processes that try one succeeds."""
    states = import_extra('optuna.trial', 'tao').TrialState
    try:
        study.tell(trial.number, state=states.FAIL)
    except (ValueError, import_extra('optuna.exceptions', 'tao').UpdateFinishedTrialError):
        return False
    return True


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
        raise unwritable(folder, error, 'Choose another results_dir') from error
    return f'sqlite:///{folder.resolve() / "study.db"}'


def open_storage(url: str, when_dead: Callable[[Any, Any], None]) -> Any:
    """Open or make a database; any number of processes may do so at the same time.

    Args:
        url: As SQLAlchemy has it, for example ``postgresql://user:password@host/name``.
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
            f'cannot be opened: {_reason(error)}',
            argument='storage',
            value=hide_password(url),
            advice='Give a URL of SQLAlchemy, for example sqlite:////folder/study.db or '
            'postgresql://user:password@host/name',
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
