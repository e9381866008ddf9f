"""From a spec file and overrides to a checked spec."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cpose.errors import ConfigError
from cpose.files.config_text import TEMPLATE
from cpose.files.encryption_key import note_key
from cpose.files.outputs import note_input
from cpose.tao import SECRET
from cpose.tao.spec.errors import SpecOrigin, errors_of_values
from cpose.tao.spec.key_list import flatten
from cpose.tao.spec.overrides import apply_overrides, resolve_references
from cpose.tao.spec.required import (
    SECTIONS,
    check_required,
    choose_written,
    find_missing,
    reconcile_gpus,
    without_missing,
)
from cpose.tao.spec.sections.experiment import Experiment
from cpose.tao.spec.yaml_reading import read_spec_text

WRITTEN_KEYS = (
    *(f'{section}.results_dir' for section in SECTIONS),
    *('export.onnx_file', 'gen_trt_engine.trt_engine', 'gen_trt_engine.timing_cache'),
    'gen_trt_engine.tensorrt.calibration.cal_cache_file',
    'train.resume_training_checkpoint_path',
)
"""Keys of files and folders that tasks write, or read and write anew."""


@dataclass(frozen=True)
class TaoSpec:
    """A checked spec.

    Attributes:
        values: The values, defaults included.
        origin: Where they come from.
    """

    values: Experiment
    origin: SpecOrigin

    def value(self, key: str) -> Any:
        """Return the value of a dotted key."""
        node: Any = self.values
        for part in key.split('.'):
            node = getattr(node, part)
        return node

    def wrong(self, key: str, problem: str, advice: str | tuple[str, ...]) -> ConfigError:
        """Return the error of the user for the value of a dotted key.

        Args:
            key: Any but the encryption key, whose value no message shows.
            problem: See `UserError`.
            advice: See `UserError`.
        """
        return ConfigError(problem, value=self.value(key), place=self.origin.at(key), advice=advice)

    def results_dir(self, task: str) -> Path:
        """Return the folder of a task's results: its own, or one of its name in the common one.

        Raises:
            ConfigError: If both are empty.
        """
        own = self.value(f'{task}.results_dir')
        if own:
            return Path(own)
        if not self.values.results_dir:
            raise self.wrong(
                'results_dir', f'is empty, and so is {task}.results_dir', 'Give one of them'
            )
        return Path(self.values.results_dir) / task


def load_spec(path: str | Path, words: Sequence[str] = (), task: str | None = None) -> TaoSpec:
    """Load and check a spec.

    Args:
        path: YAML file.
        words: Overrides ``section.key=value``.
        task: What is to be run; its required keys are checked too.

    Raises:
        ConfigError: Naming file, line, key, value and what is allowed.
    """
    text = read_spec_text(path)
    overridden_values, overridden = apply_overrides(text.values, words)
    note_key(overridden_values.get(SECRET))
    choose_written(overridden_values, overridden)
    missing = frozenset(find_missing(overridden_values))
    origin = SpecOrigin(text.path, text.lines, frozenset(overridden), missing=missing)
    written = resolve_references(without_missing(overridden_values), origin.at)
    _refuse_templates(written, origin)
    origin = replace(origin, given=frozenset(key for key, _ in flatten(written)))
    try:
        values = Experiment.model_validate(written)
    except ValidationError as error:
        raise errors_of_values(error.errors(), origin) from error
    spec = TaoSpec(_with_agreeing_gpus(values, origin), origin)
    if task is not None:
        _note_inputs(spec, task)
        check_required(spec.value, origin, task)
    return spec


def _note_inputs(spec: TaoSpec, task: str) -> None:
    """Note what a task reads, so that none of its outputs replaces it."""
    note_input(spec.origin.path)
    sections = ('dataset', 'model', task)
    values = spec.values.model_dump(include=set(sections), by_alias=True)
    for key, value in flatten(values):
        if key not in WRITTEN_KEYS:
            note_input(*(value if isinstance(value, list) else [value]))


def _refuse_templates(values: Mapping[str, Any], origin: SpecOrigin) -> None:
    """Refuse texts that MMEngine would expand if they stood in a config.

    Raises:
        ConfigError: Naming file, line and key; not the value, which may be a secret.
    """
    for key, value in flatten(values):
        if any(TEMPLATE.search(text) for text in _texts(value)):
            raise ConfigError(
                'holds a template in double braces, which has no meaning in a spec',
                place=origin.at(key),
                advice='Write the value itself',
            )


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a value, and the names of keys within it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _with_agreeing_gpus(values: Experiment, origin: SpecOrigin) -> Experiment:
    """Let ``num_gpus`` and ``gpu_ids`` of every section say the same."""
    changed = {}
    for section in SECTIONS:
        old = getattr(values, section)
        chosen = reconcile_gpus(section, old.num_gpus, old.gpu_ids, origin)
        changed[section] = old.model_copy(update={'num_gpus': len(chosen), 'gpu_ids': chosen})
    return values.model_copy(update=changed)
