"""The search itself: trial after trial, until the study has enough of them."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

from cpose.errors import ConfigError, TrainingError
from cpose.evaluation.metric_table import find_number
from cpose.optional_packages import import_extra
from cpose.tao.automl.search_space import Parameter
from cpose.tao.automl.study import (
    ATTEMPT,
    FOLDER,
    missing_trials,
    take_up_left_trials,
    trial_folder,
)
from cpose.tao.automl.trial_training import HopelessTrialError, Report, TrialJob, train_trial
from cpose.tao.automl.trials import TrialFolder, take_turn, with_values
from cpose.tao.spec.sections.experiment import Automl

KNOWN = {
    'bayesian': 'TPE, without pruning',
    'hyperband': 'random search with Hyperband pruning',
    'bohb': 'TPE with Hyperband pruning',
    'asha': 'random search with asynchronous successive halving',
}
WITHOUT_COUNTERPART = {
    'bfbo': 'what it does is not documented; bayesian is near',
    'pbt': 'trials would have to exchange weights while they run; bohb is near',
    'dehb': 'differential evolution with Hyperband is not in Optuna; bohb is near',
    'hyperband_es': 'its early stopping is not in Optuna; hyperband is near',
}

REASON = 'reason'

STAGES = ('val_', 'test_')
"""What stands before the names of metrics in ``status.json``."""

RunTrial = Callable[[TrialJob, Report], None]


@dataclass(frozen=True)
class SearchPlan:
    """What is searched.

    Attributes:
        settings: Section ``automl`` of the spec.
        parameters: Keys and their values.
        base: Spec of all trials, nested.
        folder: Where new trials get their folders.
        run_trial: What trains a trial.
    """

    settings: Automl
    parameters: list[Parameter]
    base: Mapping[str, Any]
    folder: Path
    run_trial: RunTrial = field(default=train_trial)


def is_less_better(metric: str) -> bool:
    """Whether less of a number of ``status.json`` is better: of losses, and of errors."""
    name = next((metric.removeprefix(s) for s in STAGES if metric.startswith(s)), metric)
    found = find_number(name)
    return 'loss' in metric if found is None else not found[0].is_larger_better(found[1])


def run_search(plan: SearchPlan, study: Any, tell: Callable[[Any, Any], None]) -> None:
    """Run trials until the study, with those of other processes, has enough.

    Trials of killed processes are taken up again first. What interrupts the search leaves its trial
    to be taken up too.

    Args:
        plan: What is searched.
        study: Where trials are kept.
        tell: Called with study and trial after every trial.
    """
    while True:
        with ExitStack() as held:
            turn = held.enter_context(take_turn(plan.folder))
            take_up_left_trials(study)
            if missing_trials(study, plan.settings.max_recommendations) <= 0:
                return
            study.optimize(partial(_run, plan, turn, held), n_trials=1, callbacks=[tell])


def _run(plan: SearchPlan, turn: BinaryIO, held: ExitStack, trial: Any) -> float:
    """Run one trial and return its best value.

    Args:
        plan: What is searched.
        turn: Closed when others know whose trial this is.
        held: Holds the folder until the study knows how the trial ended: a running trial whose
            folder nobody holds is taken for one of a killed process.
        trial: Of Optuna.

    Raises:
        TrialPruned: If it was stopped early, or its values cannot be trained.
        TrainingError: If it never measured the metric.
    """
    pruned = import_extra('optuna', 'tao').TrialPruned
    settings, folder = plan.settings, trial_folder(plan.folder, trial)
    held.enter_context(folder.held())
    trial.set_user_attr(FOLDER, str(folder.path))
    trial.set_user_attr(ATTEMPT, trial.user_attrs.get(ATTEMPT, 1))
    turn.close()
    trial.study.sampler = build_sampler(settings, trial.number)
    chosen = {parameter.name: parameter.suggest(trial) for parameter in plan.parameters}
    spec = with_values({**plan.base, 'results_dir': str(folder.path)}, chosen)
    progress = _Progress(trial, is_less_better(settings.metric))
    try:
        plan.run_trial(TrialJob(folder, spec, settings.metric), progress.report)
        best = progress.best_value()
    except HopelessTrialError as error:
        trial.set_user_attr(REASON, str(error))
        if settings.delete_intermediate_ckpt:
            remove_checkpoints(folder, keep_last=False)
        raise pruned(str(error)) from error
    if settings.delete_intermediate_ckpt:
        remove_checkpoints(folder, keep_last=not progress.is_stopped)
    if progress.is_stopped:
        raise pruned('weaker than others')
    if best is None:
        raise TrainingError(
            f'was not measured by a trial that ended; it is not in {folder.status}',
            argument='metric',
            value=settings.metric,
            advice='Name a number that is there',
        )
    return best


class _Progress:
    """Values of a trial by epoch; some are not finite, such as an error without any match."""

    def __init__(self, trial: Any, is_less_better: bool) -> None:
        self._trial, self._is_less_better = trial, is_less_better
        self._values: list[float] = []
        self.is_stopped = False

    def report(self, epoch: int, value: float) -> bool:
        """Store a value and tell whether the trial is to be stopped."""
        self._values.append(value)
        if isfinite(value):
            self._trial.report(value, epoch + 1)
            self.is_stopped = bool(self._trial.should_prune())
        return self.is_stopped

    def best_value(self) -> float | None:
        """Return the best value, None if there was none.

        Raises:
            HopelessTrialError: If none was finite.
        """
        finite = [value for value in self._values if isfinite(value)]
        if self._values and not finite:
            raise HopelessTrialError(f'{len(self._values)} values were measured, none is finite')
        return (min if self._is_less_better else max)(finite, default=None)


def remove_checkpoints(folder: TrialFolder, keep_last: bool) -> None:
    """Remove checkpoints of a trial that has ended.

    Args:
        folder: Of the trial.
        keep_last: Keep the last one and the best.
    """
    files = [file for file in folder.results.glob('*.pth') if not file.is_symlink()]
    links = [file for file in folder.results.glob('*.pth') if file.is_symlink()]
    kept = {link.resolve().name for link in links}
    for file in files:
        is_kept = file.name in kept or not file.name.startswith('model_epoch_')
        if not (keep_last and is_kept):
            file.unlink()
    if not keep_last:
        for link in links:
            link.unlink()


def check_algorithm(name: str) -> None:
    """Check the name of an algorithm.

    Args:
        name: ``automl.algorithm``.

    Raises:
        ConfigError: If there is no such algorithm, or no counterpart of TAO's.
    """
    if name in KNOWN:
        return
    allowed = f'Allowed: {", ".join(KNOWN)}'
    problem = 'is no algorithm'
    if name in WITHOUT_COUNTERPART:
        problem = f'of TAO is not supported: {WITHOUT_COUNTERPART[name]}'
    raise ConfigError(problem, argument='algorithm', value=name, advice=allowed)


def build_sampler(settings: Automl, number: int) -> Any:
    """Return what proposes the values of a trial.

    Every trial has a seed of its own, so that processes that share a search, and a search that is
    taken up again, do not repeat each other's random values.

    Args:
        settings: Algorithm and seed.
        number: Of the trial.
    """
    samplers = import_extra('optuna.samplers', 'tao')
    seed = settings.seed + number if settings.seed >= 0 else None
    if settings.algorithm not in ('bayesian', 'bohb'):
        return samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return samplers.TPESampler(seed=seed, constant_liar=True)


def build_pruner(settings: Automl, max_epochs: int, interval: int) -> Any:
    """Return what ends weak trials early.

    Args:
        settings: Algorithm and reduction factor.
        max_epochs: Epochs of a trial.
        interval: Epochs between validations.
    """
    pruners = import_extra('optuna.pruners', 'tao')
    factor = settings.reduction_factor
    if settings.algorithm == 'bayesian':
        return pruners.NopPruner()
    if settings.algorithm == 'asha':
        return pruners.SuccessiveHalvingPruner(min_resource=interval, reduction_factor=factor)
    return pruners.HyperbandPruner(
        min_resource=interval, max_resource=max(max_epochs, interval), reduction_factor=factor
    )
