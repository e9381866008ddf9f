"""Which keys of a spec must have a value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cpose.encryption.key import environment_key
from cpose.errors import ConfigError
from cpose.tao import SECRET, TASKS

if TYPE_CHECKING:
    from cpose.tao.spec_file import TaoSpec

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


def check_required(spec: 'TaoSpec', task: str) -> None:
    """Check that all is given that a task needs.

    Raises:
        ConfigError: If a key is missing, or two that exclude each other are given.
    """
    for group in REQUIRED[task]:
        given = [key for key in group if spec.value(key)]
        if not given:
            raise ConfigError(
                f'{spec.origin.place(group[0])}: {" or ".join(group)} is required by {task}. '
                f'Give it in the spec, or as {group[0]}=VALUE on the command line.'
            )
        if len(given) > 1:
            raise ConfigError(
                f'{spec.origin.place(given[1])}: {" and ".join(given)} are both given, but only '
                'one of them can run. Leave one empty.'
            )
    in_groups = {key for group in REQUIRED[task] for key in group}
    check_filled(spec, [key for key in spec.origin.missing - in_groups if _reads(spec, task, key)])


def check_filled(spec: 'TaoSpec', keys: list[str]) -> None:
    """Check that no keys are left that a template marks as missing.

    Raises:
        ConfigError: If there are; names the first.
    """
    for key in sorted(keys):
        raise ConfigError(
            f'{spec.origin.place(key)}: {key} must be given: {" and ".join(MISSING)} stand for '
            'values that are required. Give it, or remove the line to take the default.'
        )


def _reads(spec: 'TaoSpec', task: str, key: str) -> bool:
    """Whether a task reads a key, as far as the spec tells."""
    if key == SECRET:
        return environment_key() is None
    if key.startswith(CALIBRATION) and spec.value(DATA_TYPE) != 'INT8':
        return False
    section = key.partition('.')[0]
    return ONLY_FOR.get(key, ONLY_FOR.get(section, task)) == task and section != 'automl'


def _is_missing(value: Any) -> bool:
    return isinstance(value, str) and value in MISSING
