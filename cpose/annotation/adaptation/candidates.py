"""The models that an adaptation chooses among, by what they do on held-out photographs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, sqrt
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.annotation.adaptation.training_config import CHOICE
from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.apis.training import evaluate
from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic

BEFORE, SIZES, TRAINED, HALF_WAY = 'before', 'sizes', 'trained', 'half_way'
HALF_WAY_FILE = 'half_way.pth'
REFINER = 'model.head.postprocessor.dims_refiner'
SECOND = 'mean_3DIoU'
"""Decides among equals."""
SPREAD = 0.2
"""Standard deviation of `CHOICE` over pictures, about: of N held-out ones it tells no difference
below this divided by the root of N. On other pictures half-way weights do better than those that
fit these most closely, as the epoch is chosen by these.
"""
ADVICE = ('Make room', 'Choose another {out}')


@dataclass(frozen=True)
class Candidate:
    """A model that may be the result.

    Attributes:
        name: `BEFORE` is the model as it was, `SIZES` the same that knows the sizes of the objects,
            `TRAINED` the best epoch, `HALF_WAY` the mean of the weights before and after.
        weights: Its file.
        options: Changes to the config of the adaptation.
    """

    name: str
    weights: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """A candidate and its report on the held-out photographs, see `build_report`."""

    candidate: Candidate
    report: Mapping[str, Any]

    @property
    def rank(self) -> tuple[float, float]:
        """What the best one has most of; without any match there is no mean, and nothing less."""
        first, second = (float(self.report[name]) for name in (CHOICE, SECOND))
        return first, -1.0 if isnan(second) else second


def judge(config: Path, candidate: Candidate, folder: Path) -> Judged:
    """Test a candidate on the held-out photographs; logs go to a folder of its name.

    Raises:
        UserError: If the data or the weights cannot be used.
    """
    loaded = load_config(config, candidate.options)
    work_dir = folder / candidate.name
    return Judged(candidate, evaluate(loaded, candidate.weights, work_dir=work_dir))


def as_it_was(base: Config, weights: Path) -> Candidate:
    """Return the model without what an adaptation knows."""
    refiner = base.model.head.postprocessor.dims_refiner
    options = {REFINER: {'_delete_': True, **refiner} if refiner else None}
    return Candidate(BEFORE, weights, options)


def adapted(config: Path, start: Path, best: Path, knows_sizes: bool) -> Iterator[Candidate]:
    """Yield what became of a model: trained, half-way to that, and with known sizes alone.

    Raises:
        UserError: If the mean of the weights cannot be written.
    """
    yield Candidate(TRAINED, best)
    yield Candidate(HALF_WAY, _write_half_way(config, start, best))
    if knows_sizes:
        yield Candidate(SIZES, start)


def choose(judged: Sequence[Judged]) -> Judged:
    """Return the best; of trained and half-way weights that do about the same the second."""
    best = max(judged, key=lambda item: item.rank)
    margin = SPREAD / sqrt(best.report['num_images'])
    for item in judged:
        is_near = item.report[CHOICE] >= best.report[CHOICE] - margin
        if best.candidate.name == TRAINED and item.candidate.name == HALF_WAY and is_near:
            return item
    return best


def _write_half_way(config: Path, start: Path, best: Path) -> Path:
    """Write the mean of two sets of weights beside the second one."""
    first, second = (build_model(load_config(config), file).state_dict() for file in (start, best))
    mean = {
        name: (first[name] + value) / 2 if value.is_floating_point() else value
        for name, value in second.items()
    }
    file = best.with_name(HALF_WAY_FILE)
    save_checkpoint_atomic(file, {'state_dict': mean, 'meta': {}}, ADVICE)
    return file
