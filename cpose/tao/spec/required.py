"""Which keys of a spec must have a value, and how many GPUs they name."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cpose.errors import ConfigError
from cpose.files.encryption_key import environment_key
from cpose.tao import SECRET, TASKS
from cpose.tao.spec.errors import SpecOrigin

MISSING = ('???', '<required>')
"""What stands where a value must be given."""

REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    'train': (('dataset.train_data',),),
    'evaluate': (('dataset.test_data',), ('evaluate.checkpoint', 'evaluate.trt_engine')),
    'inference': (('dataset.inference_data',), ('inference.checkpoint', 'inference.trt_engine')),
    'export': (('export.checkpoint',), ('export.onnx_file',)),
    'gen_trt_engine': (('gen_trt_engine.onnx_file',), ('gen_trt_engine.trt_engine',)),
}
"""Keys without which a task cannot run; of several in a group exactly one."""
ONLY_FOR = {
    'dataset.train_data': 'train',
    'dataset.val_data': 'train',
    'dataset.test_data': 'evaluate',
    'dataset.inference_data': 'inference',
    'wandb': 'train',
    **dict(zip(TASKS, TASKS, strict=True)),
}
"""Keys and sections that one task reads; ``dataset``, ``model`` and what is in no section are for
all."""
WRITES_SECRETS = ('train', 'export')
"""Tasks whose files are encrypted first."""
CALIBRATION = 'gen_trt_engine.tensorrt.calibration.'
DATA_TYPE = 'gen_trt_engine.tensorrt.data_type'


def find_missing(node: Any, key: str = '') -> Iterator[str]:
    """Yield the dotted keys whose value is one of `MISSING`."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from find_missing(value, f'{key}.{name}'.lstrip('.'))
    elif isinstance(node, list):
        for value in node:
            yield from find_missing(value, key)
    elif _is_missing(node):
        yield key


def without_missing(node: Any) -> Any:
    """Leave out what `find_missing` finds."""
    if isinstance(node, dict):
        return {
            key: without_missing(value) for key, value in node.items() if not _is_missing(value)
        }
    if isinstance(node, list):
        return [without_missing(value) for value in node if not _is_missing(value)]
    return node


def check_required(value_of: Callable[[str], Any], origin: SpecOrigin, task: str) -> None:
    """Check that all is given that a task needs.

    Args:
        value_of: Gives the value of a dotted key.
        origin: Where the values come from.
        task: What is to be run.

    Raises:
        ConfigError: If a key is missing, or two that exclude each other are given.
    """
    for group in REQUIRED[task]:
        given = [key for key in group if value_of(key)]
        if not given:
            raise ConfigError(
                f'is required by {task}',
                place=origin.at(group[0]),
                advice=(
                    f'Give it in the spec or as {group[0]}=VALUE on the command line',
                    *(f'Give {key} in its place' for key in group[1:]),
                ),
            )
        if len(given) > 1:
            raise ConfigError(
                f'and {given[0]} are both given, but only one of them can run',
                place=origin.at(given[1]),
                advice='Leave one empty',
            )
    in_groups = {key for group in REQUIRED[task] for key in group}
    rest = origin.missing - in_groups
    check_filled(origin, [key for key in rest if _reads(task, key, value_of(DATA_TYPE))])


def check_filled(origin: SpecOrigin, keys: Iterable[str]) -> None:
    """Check that no keys are left that a template marks as missing.

    Raises:
        ConfigError: If there are; names the first.
    """
    for key in sorted(keys):
        raise ConfigError(
            f'must be given: {" and ".join(MISSING)} stand for values that are required',
            place=origin.at(key),
            advice=('Give it', 'Remove the line to take the default'),
        )


def _reads(task: str, key: str, data_type: str) -> bool:
    """Whether a task reads a key; without INT8 nothing is calibrated.

    Tasks that start from a model file need the encryption key only if that file is encrypted.
    """
    if key == SECRET:
        return task in WRITES_SECRETS and environment_key() is None
    if key.startswith(CALIBRATION) and data_type != 'INT8':
        return False
    section = key.partition('.')[0]
    return ONLY_FOR.get(key, ONLY_FOR.get(section, task)) == task and section != 'automl'


def _is_missing(value: Any) -> bool:
    return isinstance(value, str) and value in MISSING


SECTIONS = ('train', 'evaluate', 'inference')
NAMES = ('num_gpus', 'gpu_ids')


def choose_written(values: dict[str, Any], overridden: set[str]) -> None:
    """Let a GPU key of the command line stand alone: what the file says of the other one goes.

    Args:
        values: The spec, changed in place.
        overridden: Dotted keys of the command line.
    """
    for section in SECTIONS:
        named = {name for name in NAMES if f'{section}.{name}' in overridden}
        if len(named) == 1 and isinstance(values.get(section), dict):
            values[section].pop(*(set(NAMES) - named), None)


def reconcile_gpus(
    section: str, num_gpus: int, gpu_ids: list[int], origin: SpecOrigin
) -> list[int]:
    """Return the GPUs to use; what means more of them counts.

    Args:
        section: Name of the section.
        num_gpus: How many.
        gpu_ids: Which.
        origin: Where the values come from.

    Raises:
        ConfigError: If a GPU is named twice.
    """
    if len(set(gpu_ids)) != len(gpu_ids):
        raise ConfigError(
            'names a GPU twice',
            value=gpu_ids,
            place=origin.at(f'{section}.gpu_ids'),
            advice='Name each once, from 0',
        )
    count = max(num_gpus, len(gpu_ids))
    chosen = list(gpu_ids) if len(gpu_ids) == count else list(range(count))
    if len(gpu_ids) != num_gpus and all(origin.gives(f'{section}.{name}') for name in NAMES):
        warnings.warn(
            f'{origin.place(f"{section}.gpu_ids")}: {section}.num_gpus={num_gpus} and '
            f'{section}.gpu_ids={gpu_ids} disagree, so the GPUs {chosen} are used. '
            'Write both alike.',
            stacklevel=2,
        )
    return chosen
