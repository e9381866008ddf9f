"""The trials of a search: their folders, who works in them, and their specs."""

import copy
import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.engine.status_file import STATUS_NAME
from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.tao import SEARCH, SECRET
from cpose.tao.jobs.archives import data_folder
from cpose.tao.spec.key_list import flatten
from cpose.tao.spec.overrides import apply_overrides, resolve_references
from cpose.tao.spec.required import check_filled, choose_written
from cpose.tao.spec.spec_file import TaoSpec, load_spec
from cpose.tao.spec.yaml_reading import read_spec_text

DATA = ('train_data', 'val_data')
UNCOMPARED = ('results_dir', 'num_gpus', 'gpu_ids', 'num_nodes', 'workers', 'pin_memory')
"""Keys that may differ between processes of one search; so may paths of data."""

LONGEST_WAIT = 120.0
"""Seconds that a training of a killed search may need to save and end."""


@dataclass(frozen=True)
class TrialFolder:
    """Folder of a trial.

    Attributes:
        path: The folder; made by `held`.
    """

    path: Path

    @property
    def spec(self) -> Path:
        """The spec that the trial trains."""
        return self.path / 'spec.yaml'

    @property
    def results(self) -> Path:
        """Checkpoints and logs."""
        return self.path / 'train'

    @property
    def status(self) -> Path:
        """Events of the training."""
        return self.results / STATUS_NAME

    @property
    def output(self) -> Path:
        """What the training printed."""
        return self.path / 'output.txt'

    @property
    def model(self) -> Path | None:
        """The best checkpoint if the training kept it, else the newest; None without any."""
        best = [
            path
            for path in sorted(self.results.glob('*.pth'))
            if not (path.is_symlink() or path.name.startswith('model_epoch_'))
        ]
        latest = self.results / LATEST
        return best[-1] if best else latest.resolve() if latest.is_file() else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process; the system lets go of it however the process ends.

        Raises:
            OutputError: If the folder cannot be made.
        """
        with self._open('search.lock') as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    def is_left(self) -> bool:
        """Whether the process that held the folder has ended; without the folder nobody knows."""
        if not (self.path / 'search.lock').is_file():
            return False
        with self._open('search.lock') as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    @contextmanager
    def training_lock(self, longest_wait: float = LONGEST_WAIT) -> Iterator[BinaryIO]:
        """Wait until no training works here, and yield a locked file for the next one to inherit.

        Raises:
            OutputError: If one still works after ``longest_wait`` seconds.
        """
        end = time.monotonic() + longest_wait
        with self._open('train.lock') as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise OutputError(
                            'is still in use by a training of an earlier search',
                            place=FilePlace(self.path),
                            advice='End it',
                        ) from None
                    time.sleep(0.1)
            yield lock

    def _open(self, name: str) -> BinaryIO:
        return _open_lock(self.path / name)


def take_turn(folder: Path) -> BinaryIO:
    """Wait until no other process of a search chooses its next trial; closing the file ends it.

    An SQLite file alone would give a queued trial to two processes that ask at the same time.

    Args:
        folder: Of the search.

    Raises:
        OutputError: If the folder cannot be made.
    """
    turn = _open_lock(folder / 'turn.lock')
    fcntl.flock(turn, fcntl.LOCK_EX)
    return turn


def _open_lock(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open('ab')
    except OSError as error:
        raise unwritable(path, error, 'Choose another results_dir') from error


def load_search_spec(path: str | Path, words: Sequence[str]) -> tuple[TaoSpec, dict[str, Any]]:
    """Load the spec of a search.

    Returns:
        The checked spec, and what of it is written down: nested, references resolved, without the
        section ``automl`` and the encryption key.

    Raises:
        ConfigError: If it is wrong, or something is missing that training or comparing needs.
    """
    spec = load_spec(path, words, 'train')
    _check_usable(spec)
    written, overridden = apply_overrides(read_spec_text(path).values, words)
    choose_written(written, overridden)
    values = resolve_references(written, spec.origin.at)
    for name in (SECRET, SEARCH):
        values.pop(name, None)
    return spec, values


def search_folder(spec: TaoSpec) -> Path:
    """Return the folder of the search."""
    return Path(spec.values.results_dir) / SEARCH


def trial_base(spec: TaoSpec, values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return what all trials share: archives of data are extracted once.

    Raises:
        DataError: If an archive cannot be used.
    """
    base = copy.deepcopy(dict(values))
    for name in DATA:
        place = getattr(spec.values.dataset, name)
        if place:
            base['dataset'][name] = data_folder(place, folder / 'data')
    if spec.values.automl.max_epochs:
        put(base, 'train.num_epochs', spec.values.automl.max_epochs)
    (base.get('train') or {}).pop('results_dir', None)
    return base


def with_values(base: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with the values of dotted keys in it."""
    values = copy.deepcopy(dict(base))
    for name, value in chosen.items():
        put(values, name, value)
    return values


def put(values: dict[str, Any], name: str, value: Any) -> None:
    """Set the value of a dotted key."""
    *sections, last = name.split('.')
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
    values[last] = value


def compared_settings(base: Mapping[str, Any], searched: Mapping[str, str]) -> dict[str, str]:
    """Return what must be equal for trials to be comparable, as text by name.

    Args:
        base: Spec of all trials.
        searched: Ranges by parameter, and what else belongs to the search.
    """
    fixed = {
        name: repr(value)
        for name, value in flatten(base)
        if name.startswith(('train.', 'model.', 'dataset.'))
        and not name.endswith(UNCOMPARED)
        and not name.endswith(('_data', '_path'))
    }
    return {**fixed, **searched}


def _check_usable(spec: TaoSpec) -> None:
    """Check what a search needs beyond what training needs."""
    values = spec.values
    check_filled(spec.origin, [key for key in spec.origin.missing if key.startswith(f'{SEARCH}.')])
    if not values.results_dir:
        raise spec.wrong(
            'results_dir', f'is empty, and the search works in its folder {SEARCH}', 'Give it'
        )
    if values.automl.metric.startswith('val_') and not values.dataset.val_data:
        raise spec.wrong(
            'dataset.val_data',
            f'is required, as automl.metric={values.automl.metric!r} comes from validation',
            'Give a folder',
        )
    for key in ('train.resume_training_checkpoint_path', 'train.is_dry_run'):
        if spec.value(key):
            raise spec.wrong(
                key,
                'cannot be searched with: trials start from the beginning and train in full',
                'Leave it empty; weights to start from are train.pretrained_model_path',
            )
