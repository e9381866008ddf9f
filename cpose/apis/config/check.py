"""Find mistakes in a config before anything is built."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import import_modules_from_strings
from torch.utils.data import DataLoader

from cpose import registry as cpose_registry
from cpose.apis.config.reading import text_list
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, nearest_names

INJECTED = frozenset({'type', '_scope_', '_delete_'})
TAKEN_BY_MMENGINE = frozenset({'constructor', 'paramwise_cfg', 'priority', 'convert_to_iter_based'})
"""Keys of optimizer wrappers, hooks and schedulers that do not reach their classes."""
UNREGISTERED = frozenset({'clip_grad', 'on_trace_ready'})
"""Keys below which ``type`` is a word of MMEngine's own and no registered name."""
MOST_BITS = 63
"""Of a whole number, beside its sign."""
LOADER_SUFFIX = '_dataloader'
LOADER_EXTRAS = frozenset({'num_batch_per_epoch', 'disable_subprocess_warning'})
"""What MMEngine reads besides the arguments of a `DataLoader`."""
REGISTRIES = {
    'branches': cpose_registry.BRANCHES,
    'codec': cpose_registry.CODECS,
    'coder': cpose_registry.CODECS,
    'collate_fn': cpose_registry.FUNCTIONS,
    'custom_hooks': cpose_registry.HOOKS,
    'dataset': cpose_registry.DATASETS,
    'default_hooks': cpose_registry.HOOKS,
    'extra_metrics': cpose_registry.METRIC_SPECS,
    'log_processor': cpose_registry.LOG_PROCESSORS,
    'loss': cpose_registry.MODELS,
    'model': cpose_registry.MODELS,
    'optim_wrapper': cpose_registry.OPTIM_WRAPPERS,
    'optimizer': cpose_registry.OPTIMIZERS,
    'param_scheduler': cpose_registry.PARAM_SCHEDULERS,
    'pipeline': cpose_registry.TRANSFORMS,
    'postprocessor': cpose_registry.CODECS,
    'runtime': cpose_registry.RUNTIMES,
    'sampler': cpose_registry.DATA_SAMPLERS,
    'scale_source': cpose_registry.SCALE_SOURCES,
    'symmetry': cpose_registry.SYMMETRIES,
    'test_cfg': cpose_registry.LOOPS,
    'test_evaluator': cpose_registry.METRICS,
    'tracker': cpose_registry.TRACKERS,
    'train_cfg': cpose_registry.LOOPS,
    'tta_cfg': cpose_registry.MODELS,
    'val_cfg': cpose_registry.LOOPS,
    'val_evaluator': cpose_registry.METRICS,
    'vis_backends': cpose_registry.VISBACKENDS,
    'visualizer': cpose_registry.VISUALIZERS,
}
"""The registry of what stands below a key, unless a key further in has another."""
TYPED_PARTS = frozenset({'dataset', 'model', 'optimizer', 'sampler', 'symmetry'})
TYPED_LISTS = frozenset(
    {
        *('custom_hooks', 'param_scheduler', 'pipeline', 'test_evaluator', 'val_evaluator'),
        'vis_backends',
    }
)
"""Keys of parts, and of lists of parts, that must say what they are."""


def import_custom_modules(config: Config) -> None:
    """Import what ``custom_imports`` names, so that its classes are registered.

    Raises:
        ConfigError: If it names no modules, or one cannot be imported.
    """
    wanted = config.get('custom_imports')
    if not wanted:
        return
    place = ConfigPlace(('custom_imports',), config.filename or '')
    modules = text_list(wanted.get('imports', []) if isinstance(wanted, Mapping) else wanted)
    if modules is None:
        raise ConfigError(
            'is no list of modules',
            argument='custom_imports',
            value=wanted,
            place=place,
            advice="Give names, for example custom_imports=['my_package'].",
        )
    try:
        import_modules_from_strings(modules)
    except ImportError as error:
        raise ConfigError(
            f'cannot be imported: {error}',
            argument='custom_imports',
            value=modules,
            place=place,
            advice='Put the package beside the configs folder of the project, or on PYTHONPATH.',
        ) from error


def check_config(config: Config, required: tuple[str, ...] = ('model',)) -> None:
    """Check top-level keys, registered names and argument names.

    Args:
        config: The whole config.
        required: Top-level keys that must be there; data loaders are checked if one is among them.

    Raises:
        ConfigError: Naming the key and the nearest names.
    """
    import_custom_modules(config)
    for key in required:
        if config.get(key) is None:
            raise ConfigError(
                f'has no key {key!r}',
                place=ConfigPlace((), config.filename or ''),
                advice='Inherit a base that sets it, for example configs/_base_/. '
                f'{nearest_names(key, _set_keys(config))}',
            )
    is_run = any(key.endswith(LOADER_SUFFIX) for key in required)
    if is_run:
        for key in _set_keys(config):
            if key.endswith(LOADER_SUFFIX) and isinstance(config[key], Mapping):
                _check_loader(key, config[key])
    content = config.to_dict()
    for path in _endless_numbers(content):
        raise ConfigError(
            'is a whole number of more than 64 bits',
            place=ConfigPlace((path,), config.filename or ''),
            advice='Give a smaller one',
        )
    built = content if is_run else {key: content[key] for key in required}
    if 'runtime' in content:  # a file stands in for the model, and parts of it are enough
        built = {key: value for key, value in built.items() if key != 'model'}
    for path in _untyped_parts(built):
        raise ConfigError(
            'has no key "type"',
            place=ConfigPlace((path,), config.filename or ''),
            advice='Name the class that it is for.',
        )
    registries = cpose_registry.all_registries()
    for path, node in typed_nodes(content):
        _check_node(path, node, registries)


def _endless_numbers(node: Any, path: str = '') -> Iterator[str]:
    """Yield the places of whole numbers that no tensor and no optimizer can take."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _endless_numbers(value, f'{path}.{key}' if path else str(key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _endless_numbers(value, f'{path}[{index}]')
    elif isinstance(node, int) and node.bit_length() > MOST_BITS:
        yield path


def _untyped_parts(node: Any, path: str = '') -> Iterator[str]:
    """Yield the places of parts that do not say what they are."""
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        place = f'{path}.{key}' if path else str(key)
        items = value if isinstance(value, list | tuple) else ()
        parts = {place: value} if key in TYPED_PARTS else {}
        if key in TYPED_LISTS:
            parts = {f'{place}[{index}]': item for index, item in enumerate(items)}
        yield from (
            name for name, part in parts.items() if isinstance(part, Mapping) and 'type' not in part
        )
        yield from _untyped_parts(value, place)


def _set_keys(config: Config) -> list[str]:
    return [key for key, value in config.items() if value is not None]


def _check_loader(key: str, loader: Mapping[str, Any]) -> None:
    accepted = _accepted_arguments(DataLoader) | LOADER_EXTRAS
    for name in loader:
        if name not in accepted:
            raise ConfigError(
                'is no argument of a data loader',
                argument=name,
                place=ConfigPlace((f'{key}.{name}',)),
                advice=nearest_names(name, accepted),
            )
    for name in ('dataset', 'sampler'):
        if loader.get(name) is None:
            raise ConfigError(
                f'has no key {name!r}',
                place=ConfigPlace((key,)),
                advice='Inherit a base that sets it, for example '
                'configs/_base_/datasets/centerpose.py.',
            )


def typed_nodes(node: Any, path: str = '') -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all parts that have a key ``type``, each with its place in the config."""
    if isinstance(node, Mapping):
        if isinstance(node.get('type'), str):
            yield path, node
        for key, value in node.items():
            if key not in UNREGISTERED:
                yield from typed_nodes(value, f'{path}.{key}' if path else str(key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from typed_nodes(value, f'{path}[{index}]')


def _check_node(path: str, node: Mapping[str, Any], registries: list[Registry]) -> None:
    name = node['type'].rpartition('.')[2]
    found = next(
        filter(None, (cpose_registry.find_registered(each, name) for each in registries)), None
    )
    if found is None:
        known = _names_for(path, registries)
        raise ConfigError(
            'is unknown',
            argument='type',
            value=node['type'],
            place=ConfigPlace((f'{path}.type',)),
            advice=f'{nearest_names(name, known)} '
            'An own class must be registered through custom_imports.',
        )
    accepted = _accepted_arguments(found)
    tolerated = accepted | INJECTED | TAKEN_BY_MMENGINE
    unknown = [key for key in node if key not in tolerated]
    if accepted and unknown:
        raise ConfigError(
            f'is no argument of {name}',
            argument=unknown[0],
            place=ConfigPlace((f'{path}.{unknown[0]}',)),
            advice=f'{nearest_names(unknown[0], accepted)}{_advice(unknown[0], path, registries)}',
        )


def _advice(key: str, path: str, registries: list[Registry]) -> str:
    """Tell how to leave out a setting that may be inherited from a part of another type."""
    others = (other for registry in registries for other in registry.module_dict.values())
    if '[' in path or not any(key in _accepted_arguments(other) for other in others):
        return ''
    return (
        f' If a base has it for another type, {path}=dict(_delete_=True, ...) leaves out what the '
        'base says.'
    )


def _names_for(path: str, registries: list[Registry]) -> set[str]:
    """Return the names that may stand at a place; all where that is not known."""
    words = [word.partition('[')[0] for word in reversed(path.split('.'))]
    place = next((REGISTRIES[word] for word in words if word in REGISTRIES), None)
    fitting = [place, place.parent] if place else registries
    return {name for registry in fitting if registry for name in registry.module_dict}


def _accepted_arguments(built: Any) -> set[str]:
    """Return the argument names, or nothing where any name is accepted."""
    try:
        parameters = inspect.signature(built).parameters.values()
    except (TypeError, ValueError):
        return set()
    if any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters):
        return set()
    return {item.name for item in parameters}
