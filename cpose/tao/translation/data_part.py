"""The data loaders and metrics, from a spec."""

from collections.abc import Sequence
from functools import cache
from random import randrange
from typing import Any

from cpose.apis.config.load import load_config
from cpose.tao.spec.sections.train import MOST_SEED
from cpose.tao.spec.spec_file import TaoSpec

BASE = 'cpose::_base_/datasets/centerpose.py'
COLORS = 'CenterNetColorJitter'
FIXED_SYMMETRY = {'chair': 4, 'bottle': 12}
"""Categories whose symmetry TAO takes by name."""


def data_part(spec: TaoSpec, folders: dict[str, str]) -> dict[str, Any]:
    """Return the keys of the data loaders and metrics.

    Args:
        spec: The spec.
        folders: Folder by 'train', 'val' and 'test'; what is not there is left as the base has it,
            and without 'val' there is no validation.

    Raises:
        ConfigError: If sizes contradict each other.
    """
    part = {
        'train_dataloader': _train_loader(spec, folders.get('train')),
        'val_dataloader': _val_loader(spec, folders['val']) if 'val' in folders else None,
        'test_dataloader': _test_loader(spec, folders.get('test')),
        'test_evaluator': _evaluator(spec),
    }
    if 'val' not in folders:
        return {**part, 'val_cfg': None, 'val_evaluator': None}
    return {**part, 'val_evaluator': _evaluator(spec)}


def input_wh(spec: TaoSpec) -> tuple[int, int]:
    """Return width and height of the network input.

    Raises:
        ConfigError: If input, output and stride contradict each other.
    """
    dataset, stride = spec.values.dataset, spec.values.model.down_ratio
    wanted = dataset.input_res // stride
    if dataset.output_res != wanted and spec.origin.gives('dataset.output_res'):
        raise spec.wrong(
            'dataset.output_res',
            f'contradicts dataset.input_res={dataset.input_res} and model.down_ratio={stride}',
            f'Use {wanted}',
        )
    return dataset.input_res, dataset.input_res


def metainfo(spec: TaoSpec) -> dict[str, Any]:
    """Return category and symmetries, lists of them for several categories.

    Raises:
        ConfigError: If there are not as many symmetries as categories.
    """
    names, rotations = categories(spec), by_category(spec, 'evaluate.eval_num_symmetry')
    values: dict[str, list[Any]] = {
        'category': names,
        'symmetry': symmetries(spec),
        'eval_num_symmetry': rotations,
    }
    return {key: value[0] if len(names) == 1 else value for key, value in values.items()}


def categories(spec: TaoSpec) -> list[str]:
    """Return the names of the categories."""
    names: Any = spec.values.dataset.category
    return list(names) if isinstance(names, list) else [names]


def symmetries(spec: TaoSpec, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the symmetry of each category, of those of the spec or of others.

    Raises:
        ConfigError: If there are not as many as categories.
    """
    names = categories(spec) if names is None else names
    numbers = by_category(spec, 'dataset.num_symmetry', names)
    return [symmetry_of(name, number) for name, number in zip(names, numbers, strict=True)]


def by_category(spec: TaoSpec, key: str, names: Sequence[str] | None = None) -> list[int]:
    """Return the value of a key for each category, the same for all where it is one.

    Args:
        spec: The spec.
        key: Dotted key.
        names: The categories; None for those of the spec.

    Raises:
        ConfigError: If it is a list of another length.
    """
    value, names = spec.value(key), categories(spec) if names is None else names
    if not isinstance(value, list):
        return [value] * len(names)
    if len(value) != len(names):
        raise spec.wrong(
            key,
            f'has {len(value)} entries, and {len(names)} in dataset.category: {", ".join(names)}',
            'Give one number for all, or one each',
        )
    return list(value)


def num_classes(spec: TaoSpec) -> int:
    """Return the number of categories.

    Raises:
        ConfigError: If ``dataset.num_classes`` is given and another one.
    """
    names, key = categories(spec), 'dataset.num_classes'
    if spec.origin.gives(key) and spec.value(key) != len(names):
        raise spec.wrong(
            key,
            f'does not go with dataset.category, which names {", ".join(names)}',
            ('Name each category in dataset.category', f'Set it to {len(names)}'),
        )
    return len(names)


def symmetry_of(category: str, num_symmetry: int) -> dict[str, Any]:
    """Return the symmetry of a category with a number of rotations that look the same."""
    order = FIXED_SYMMETRY.get(category, 1) if num_symmetry == 1 else num_symmetry
    if order == 1:
        return {'type': 'NoSymmetry'}
    return {'type': 'RotationalSymmetry', 'order': order}


def _train_loader(spec: TaoSpec, folder: str | None) -> dict[str, Any]:
    dataset = spec.values.dataset
    return {
        **_loader(spec),
        **_dry_run(spec),
        'drop_last': True,
        'dataset': {
            **_dataset(spec, folder),
            'max_objs': dataset.max_objs,
            'seed': _augmentation_seed(spec),
            'pipeline': _training_pipeline(spec),
        },
    }


def _augmentation_seed(spec: TaoSpec) -> int:
    """Return the seed of the spec, or another one each time."""
    seed = spec.values.train.seed
    return seed if seed >= 0 else randrange(MOST_SEED)


def _val_loader(spec: TaoSpec, folder: str) -> dict[str, Any]:
    return {**_test_loader(spec, folder), **_dry_run(spec)}


def _test_loader(spec: TaoSpec, folder: str | None) -> dict[str, Any]:
    return {**_loader(spec), 'dataset': _dataset(spec, folder)}


def _loader(spec: TaoSpec) -> dict[str, Any]:
    dataset = spec.values.dataset
    return {
        'batch_size': dataset.batch_size,
        'num_workers': dataset.workers,
        'pin_memory': dataset.pin_memory,
    }


def _dry_run(spec: TaoSpec) -> dict[str, Any]:
    """Return what a dry run changes in the loaders of training; other tasks read all images."""
    return {'num_batch_per_epoch': 1} if spec.values.train.is_dry_run else {}


def _dataset(spec: TaoSpec, folder: str | None) -> dict[str, Any]:
    place = {} if folder is None else {'data_root': folder}
    return {
        **place,
        'input_wh': input_wh(spec),
        'metainfo': metainfo(spec),
        'on_error': 'skip',
    }


def _training_pipeline(spec: TaoSpec) -> list[dict[str, Any]]:
    """Return the transforms of the base with the settings of the spec."""
    dataset = spec.values.dataset
    affine: dict[str, Any] = {'flip_prob': dataset.flip, 'rotate_prob': dataset.aug_rot}
    if dataset.not_rand_crop:
        affine.update(keep_center=True, scale_range=(1.0, 1.0))
    changes = {
        'RandomPoseAffine': affine,
        COLORS: {'eigenvalues': dataset.eig_val, 'eigenvectors': dataset.eig_vec},
    }
    steps = [{**step, **changes.get(step['type'], {})} for step in _base_pipeline()]
    return [step for step in steps if not (step['type'] == COLORS and dataset.no_color_aug)]


@cache
def _base_pipeline() -> tuple[dict[str, Any], ...]:
    pipeline = load_config(BASE).to_dict()['train_dataloader']['dataset']['pipeline']
    return tuple(pipeline)


def _evaluator(spec: TaoSpec) -> dict[str, Any]:
    if not spec.values.dataset.use_absolute_scale:
        return {'type': 'ObjectronMetric'}
    scale = {'type': 'AbsoluteScale'}
    return {
        'type': 'ObjectronMetric',
        'protocol': {'type': 'OneToOneProtocol', 'scale_rule': scale},
        'tao_protocol': {'type': 'TaoProtocol', 'scale_rule': scale},
    }
