"""TAO's names of search algorithms, and what stands for them in Optuna."""

import warnings
from typing import Any

from cpose.errors import ConfigError, import_extra
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
