"""Task ``automl``: search hyper-parameters, by training runs of the same spec."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from cpose.files.encryption_key import use_key
from cpose.tao import BEST_MODEL
from cpose.tao.automl.report import (
    BEST_SPEC,
    PLOT,
    STATES,
    build_table,
    link_best_model,
    plot_trials,
    write_best_spec,
)
from cpose.tao.automl.search import (
    RunTrial,
    SearchPlan,
    build_pruner,
    check_algorithm,
    is_less_better,
    run_search,
)
from cpose.tao.automl.search_space import Parameter, build_space
from cpose.tao.automl.study import (
    best_trial,
    finished_trials,
    open_storage,
    open_study,
    repeat_trial,
    storage_url,
)
from cpose.tao.automl.trial_training import train_trial
from cpose.tao.automl.trials import (
    compared_settings,
    load_search_spec,
    search_folder,
    take_turn,
    trial_base,
)
from cpose.tao.jobs.status import JobStatus, job_status, spec_failures_recorded
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.tasks.spec_words import errors_name_spec_keys

DECAY, STEPS = 'train.optim.lr_decay', 'train.optim.lr_steps'


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        study: All trials.
        table: The same to print.
        best_values: Best value by key; None if no trial was completed.
        folder: Where `BEST_SPEC` and `PLOT` are.
    """

    study: Any
    table: Table
    best_values: dict[str, Any] | None
    folder: Path


def _show_nothing(text: str) -> None:
    pass


def run_automl(
    path: str | Path,
    words: Sequence[str] = (),
    show: Callable[[str], Any] = _show_nothing,
    run_trial: RunTrial = train_trial,
) -> SearchResult:
    """Search hyper-parameters, or go on with a search.

    Args:
        path: Spec with a section ``automl``; without it all its defaults hold.
        words: Overrides ``section.key=value``.
        show: Takes a line of text after every trial.
        run_trial: What trains a trial.

    Raises:
        UserError: If the spec, the storage, the data or an output is wrong, or a training failed.
    """
    with spec_failures_recorded(path, words, 'automl'):
        spec, values = load_search_spec(path, words)
    folder = search_folder(spec)
    with (
        use_key(spec.values.encryption_key),
        job_status(folder, 'automl') as status,
        errors_name_spec_keys(spec, 'automl'),
    ):
        parameters = build_space(spec)
        base = trial_base(spec, values, folder)
        study = _open(spec, parameters, base, folder)
        plan = SearchPlan(spec.values.automl, parameters, base, folder, run_trial)
        _say_if_useless(spec, parameters, show)
        run_search(plan, study, lambda study, trial: show(_tell(status, plan, study, trial)))
        return _report(study, plan, values)


def _open(spec: TaoSpec, parameters: list[Parameter], base: Any, folder: Path) -> Any:
    settings, train = spec.values.automl, spec.values.train
    check_algorithm(settings.algorithm)
    epochs = settings.max_epochs or train.num_epochs
    searched = {parameter.name: parameter.describe() for parameter in parameters}
    searched |= {'automl.algorithm': settings.algorithm, 'automl.metric': settings.metric}
    storage = open_storage(storage_url(settings.storage, folder), repeat_trial)
    return open_study(
        storage,
        settings.study_name,
        'minimize' if is_less_better(settings.metric) else 'maximize',
        build_pruner(settings, epochs, min(train.validation_interval, epochs)),
        compared_settings(base, searched),
    )


def _say_if_useless(spec: TaoSpec, parameters: list[Parameter], show: Callable) -> None:
    """Say that a search over the decay finds nothing where the rate never falls."""
    train = spec.values.train
    epochs = spec.values.automl.max_epochs or train.num_epochs
    names = [parameter.name for parameter in parameters]
    if (
        DECAY in names
        and STEPS not in names
        and min(train.optim.lr_steps, default=epochs) >= epochs
    ):
        show(
            f'{DECAY} is searched, but changes nothing: none of {STEPS}={train.optim.lr_steps} is '
            f'below the {epochs} epochs of a trial.\n'
        )


def _tell(status: JobStatus, plan: SearchPlan, study: Any, trial: Any) -> str:
    """Write a line to ``status.json`` after a trial, and return one to show."""
    best, metric = best_trial(study), plan.settings.metric
    numbers = {metric: trial.value, f'best_{metric}': None if best is None else best.value}
    known = {name: value for name, value in numbers.items() if value is not None}
    done, count = len(finished_trials(study)), plan.settings.max_recommendations
    message = f'Trial {trial.number} {STATES[trial.state.name]}, {done} of {count}.'
    status.write(message, {**known, **trial.params}, trial=trial.number)
    return f'{message} {", ".join(f"{name}={value:.5g}" for name, value in known.items())}\n'


def _report(study: Any, plan: SearchPlan, values: dict[str, Any]) -> SearchResult:
    metric = plan.settings.metric
    with take_turn(plan.folder):
        best = write_best_spec(plan.folder / BEST_SPEC, study, plan.parameters, values)
        link_best_model(plan.folder / BEST_MODEL, study)
        plot_trials(plan.folder / PLOT, study, plan.parameters, metric)
    return SearchResult(study, build_table(study, plan.parameters, metric), best, plan.folder)
