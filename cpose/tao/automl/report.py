"""What a search found: a table, a picture, the best spec."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from cpose.errors import unwritable
from cpose.files.atomic import atomic_file, write_text_atomic
from cpose.files.encryption_key import current_key
from cpose.tao.automl.search import REASON
from cpose.tao.automl.search_space import Parameter
from cpose.tao.automl.study import FOLDER, best_trial, finished_trials
from cpose.tao.automl.trial_training import dump_spec
from cpose.tao.automl.trials import TrialFolder, with_values

BEST_SPEC = 'best_spec.yaml'
PLOT = 'trials.png'
WITHOUT_KEY = '# The encryption key is not written here. Give it again, or weights will be plain.\n'
STATES = {'COMPLETE': 'complete', 'PRUNED': 'stopped early'}


def build_table(study: Any, parameters: Sequence[Parameter], metric: str) -> Table:
    """Return a table of the trials that have ended; the best is marked."""
    best = best_trial(study)
    table = Table(title=escape(f'{study.study_name}: {metric} by trial'))
    for name in ('trial', 'state', metric, *(item.name for item in parameters), 'epochs', 'folder'):
        table.add_column(name, overflow='fold')
    for trial in finished_trials(study):
        is_best = best is not None and trial.number == best.number
        state = 'untrainable' if REASON in trial.user_attrs else STATES[trial.state.name]
        values = [_shown(item, trial) for item in parameters]
        epochs = max(trial.intermediate_values, default=0)
        folder = Path(trial.user_attrs.get(FOLDER, '')).name
        table.add_row(
            f'{trial.number}{" *" if is_best else ""}',
            *(state, f'{trial.value:.5g}' if trial.value is not None else '-'),
            *(*values, str(epochs), folder),
            style='bold' if is_best else None,
        )
    return table


def write_best_spec(
    path: Path, study: Any, parameters: Sequence[Parameter], values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Write the spec with the best values, ready to train, without the encryption key.

    Returns:
        The best values by key, or None if no trial was completed; then nothing is written.

    Raises:
        OutputError: If it cannot be written.
    """
    best = best_trial(study)
    if best is None:
        return None
    chosen = {item.name: item.value_of(best.params[item.name]) for item in parameters}
    note = '' if current_key() is None else WITHOUT_KEY
    write_text_atomic(path, note + dump_spec(with_values(values, chosen)))
    return chosen


def link_best_model(path: Path, study: Any) -> None:
    """Link the weights of the best trial; there is no link if none of this machine has some.

    Raises:
        OutputError: If it cannot be written.
    """
    best = best_trial(study)
    model = None if best is None else TrialFolder(Path(best.user_attrs[FOLDER])).model
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        if model is None:
            path.unlink(missing_ok=True)
        else:
            unfinished.unlink(missing_ok=True)
            unfinished.symlink_to(os.path.relpath(model, path.parent))
            unfinished.replace(path)
    except OSError as error:
        raise unwritable(path, error, 'Choose another results_dir', 'results_dir') from error


def plot_trials(path: Path, study: Any, parameters: Sequence[Parameter], metric: str) -> None:
    """Draw the value of every trial, the best so far, and the value over every parameter.

    Raises:
        OutputError: If the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    trials = [trial for trial in finished_trials(study) if trial.value is not None]
    figure = Figure(figsize=(4 * (1 + len(parameters)), 3.5), layout='constrained')
    FigureCanvasAgg(figure)
    history, *axes = figure.subplots(1, 1 + len(parameters), squeeze=False)[0]
    numbers, values = [trial.number for trial in trials], [trial.value for trial in trials]
    history.plot(numbers, values, 'o', label='trial')
    better = max if study.direction.name == 'MAXIMIZE' else min
    so_far = [better(values[: end + 1]) for end in range(len(values))]
    history.step(numbers, so_far, where='post', label='best so far')
    history.set(xlabel='trial', ylabel=metric)
    history.legend()
    for axis, item in zip(axes, parameters, strict=True):
        stored = [trial.params[item.name] for trial in trials]
        axis.scatter(stored, values, c=numbers)
        axis.set(xlabel=item.name)
        if item.is_log:
            axis.set_xscale('log')
    try:
        with atomic_file(path) as file:
            figure.savefig(file, format='png', dpi=100)
    except OSError as error:
        raise unwritable(path, error, 'Make room, then start again') from error


def _shown(item: Parameter, trial: Any) -> str:
    value = item.value_of(trial.params[item.name])
    return f'{value:.4g}' if isinstance(value, float) else str(value)
