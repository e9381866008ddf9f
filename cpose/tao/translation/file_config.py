"""The config of a task that uses a model file.

A file of this project carries the config that it was trained with. That config decides, as for
``cpose test`` and ``cpose infer``: network, categories, symmetries, input size, transforms,
postprocessor, rules of the evaluation. A spec may set what can be chosen freely; what weights or an
exported graph fix stays as the file has it. Wherever a spec gives another value than the file a
warning tells both.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.evaluation_parts import set_data_root
from cpose.apis.inference.inference_parts import (
    LOADERS,
    choose_input_wh,
    find_metainfo,
    set_input_wh,
)
from cpose.apis.runtime_files import config_from_file
from cpose.datasets.draws import innermost_configs
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.data_part import FIXED_SYMMETRY, by_category, categories, symmetries
from cpose.tao.translation.model_file import ModelFile, check_network, stored_config, with_network
from cpose.tao.translation.spec_config import load_overlay, write_config

CATEGORY, NUM_SYMMETRY = 'dataset.category', 'dataset.num_symmetry'
EVALUATED_ROTATIONS = 'evaluate.eval_num_symmetry'
RUN_KEYS = ('default_hooks', 'custom_hooks', 'env_cfg', 'randomness', 'log_level', 'log_processor')
"""Keys of a config that belong to a run, not to the model."""
LOADER_KEYS = ('batch_size', 'num_workers', 'pin_memory')


def config_for_file(
    file: ModelFile, make_overlay: Callable[[TaoSpec], dict[str, Any]], folder: Path | None = None
) -> Config:
    """Return the config of a task for a model file.

    Checkpoints of TAO carry no config. Then the spec is translated; backbone and head are those of
    the weights, unless the spec names them.

    Args:
        file: The file, and the spec.
        make_overlay: Translates a spec for the task.
        folder: Where the config is written; None for nowhere.

    Raises:
        ConfigError: If the spec names another backbone than a checkpoint has, or one category
            where the file has several.
        CheckpointError: If the file cannot be read.
        OutputError: If the config cannot be written.
    """
    stored = stored_config(file.path)
    if stored is None:
        return load_overlay(make_overlay(with_network(file)), folder)
    check_network(file, stored)
    config = _for_task(stored, load_overlay(make_overlay(file.spec)))
    _apply_categories(file, config)
    _apply_size(file, config)
    _apply_num_select(file, config)
    return write_config(config, folder, f'Taken from {file.path.name} and a TAO spec.')


def tell_of_file(file: ModelFile) -> None:
    """Warn where a spec gives another network or category than the ONNX file of an engine.

    Raises:
        CheckpointError: If the file cannot be read.
    """
    stored = config_from_file(file.path)
    check_network(file, stored)
    file.takes_spec(CATEGORY, _one_or_all(find_metainfo(stored)['category']), is_fixed=True)


def _for_task(stored: Config, translated: Config) -> Config:
    """Return a stored config with the run and the data of a translated one."""
    config = Config(stored.to_dict())
    for key in RUN_KEYS:
        config[key] = translated.get(key)
    config.visualizer = {
        **(stored.get('visualizer') or translated.visualizer),
        'vis_backends': translated.visualizer.vis_backends,
    }
    config.load_tensors_only = True
    loader = translated.test_dataloader
    if not (stored.get('test_dataloader') or {}).get('dataset'):
        config.test_dataloader = loader
        loader.dataset.metainfo = _plain(find_metainfo(stored))
        loader.dataset.input_wh = list(choose_input_wh(stored, None))
    config.test_dataloader.update({key: loader[key] for key in LOADER_KEYS})
    if 'data_root' in loader.dataset:
        set_data_root(config, loader.dataset.data_root)
        config.test_dataloader.dataset.on_error = loader.dataset.on_error
        for key in ('test_evaluator', 'test_cfg'):
            if config.get(key) is None:
                config[key] = translated[key]
    return config


def _apply_categories(file: ModelFile, config: Config) -> None:
    """Let the spec change categories and symmetries.

    Raises:
        ConfigError: If it names others than the file, where either has several.
    """
    known, spec = find_metainfo(config), file.spec
    chosen, names, wanted = dict(known), known['category'], tuple(categories(file.spec))
    has_several = len(names) > 1 or len(wanted) > 1
    if has_several and spec.origin.gives(CATEGORY) and wanted != names:
        raise spec.wrong(
            CATEGORY,
            f'does not go with {file.path}, whose categories are {", ".join(names)}',
            'Remove the key',
        )
    if not has_several and file.takes_spec(CATEGORY, names[0]):
        chosen['category'] = wanted
    _apply_symmetry(file, chosen, is_renamed=chosen != known)
    rotations = _one_or_all(known['eval_num_symmetry'])
    if file.task == 'evaluate' and file.takes_spec(EVALUATED_ROTATIONS, rotations):
        chosen['eval_num_symmetry'] = tuple(by_category(spec, EVALUATED_ROTATIONS, names))
    if chosen != known:
        for loader in LOADERS:
            for dataset in innermost_configs((config.get(loader) or {}).get('dataset') or {}):
                dataset['metainfo'] = _plain(chosen)


def _apply_symmetry(file: ModelFile, chosen: dict[str, tuple[Any, ...]], is_renamed: bool) -> None:
    """Let the spec change the symmetry: by number, or by a new name that has one of its own."""
    names, known = chosen['category'], tuple(map(dict, chosen['symmetry']))
    wanted = tuple(symmetries(file.spec, names))
    is_one_for_several = len(names) > 1 and not isinstance(file.spec.value(NUM_SYMMETRY), list)
    is_given = file.spec.origin.gives(NUM_SYMMETRY) and wanted != known
    if is_given:
        words = ', '.join(map(_describe, known))
        file.tell(NUM_SYMMETRY, words, is_fixed=is_one_for_several)
    if not is_one_for_several and (is_given or (is_renamed and names[0] in FIXED_SYMMETRY)):
        chosen['symmetry'] = wanted


EXPORTED_SIDES = ('export.input_width', 'export.input_height')
INPUT_SIDE = 'dataset.input_res'


def _apply_size(file: ModelFile, config: Config) -> None:
    """Let the spec change the size of the network input: of both sides, or of each for an export.

    The size of an exported file stays.
    """
    known = choose_input_wh(config, None)
    keys = EXPORTED_SIDES if file.task == 'export' else (INPUT_SIDE, INPUT_SIDE)
    by_key: dict[str, Any] = dict(zip(keys, known, strict=True))
    if len(by_key) == 1 and known[0] != known[1]:
        by_key[INPUT_SIDE] = known
    taken = {key for key, side in by_key.items() if file.takes_spec(key, side, file.is_exported)}
    if taken:
        sides = zip(keys, known, strict=True)
        chosen = [file.spec.value(key) if key in taken else side for key, side in sides]
        set_input_wh(config, chosen)


def _apply_num_select(file: ModelFile, config: Config) -> None:
    """Let the spec change the number of detections."""
    if file.task not in ('inference', 'export'):
        return
    key, codec = f'{file.task}.num_select', config.model.head.get('codec') or {}
    if file.takes_spec(key, codec.get('num_select', 100), file.is_exported):
        config.merge_from_dict({'model.head.codec.num_select': file.spec.value(key)})


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(set(values)) == 1 else list(values)


def _describe(symmetry: Mapping[str, Any]) -> str:
    rest = ', '.join(f'{key}={value}' for key, value in symmetry.items() if key != 'type')
    return f'{symmetry["type"]}({rest})'


def _plain(metainfo: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Return meta information as configs write it: one value, or a list of one per category."""
    return {key: value[0] if len(value) == 1 else list(value) for key, value in metainfo.items()}
