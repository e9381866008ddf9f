"""A whole config from a spec."""

from pathlib import Path
from typing import Any

from cpose.tao.jobs.archives import data_folder, is_archive
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation import data_part, model_part, training_part

SOURCES = {'train': 'train_data', 'val': 'val_data', 'test': 'test_data'}


def training_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what a config for training sets, on top of shipped bases.

    It also says where the test data is; training does not read it, so an archive of it stays shut
    and is left out.

    Raises:
        ConfigError: If values of the spec contradict each other.
        DataError: If an archive of images cannot be used.
    """
    test = spec.values.dataset.test_data
    known = {'test': test} if test and not is_archive(test) else {}
    return {
        **_common(spec, {**_folders(spec, ('train', 'val')), **known}),
        **training_part.schedule_part(spec),
        **training_part.run_part(spec),
    }


def evaluation_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what a config for evaluation sets.

    Raises:
        ConfigError: If values of the spec contradict each other.
        DataError: If an archive of images cannot be used.
    """
    return {**_common(spec, _folders(spec, ('test',))), 'load_tensors_only': True}


def network_overlay(spec: TaoSpec, num_select: int) -> dict[str, Any]:
    """Return what a config sets for tasks that read no annotated images.

    Args:
        spec: The spec.
        num_select: Detections per image.

    Raises:
        ConfigError: If values of the spec contradict each other.
    """
    return {**_common(spec, {}, num_select), 'load_tensors_only': True}


def _common(spec: TaoSpec, folders: dict[str, str], num_select: int = 100) -> dict[str, Any]:
    return {
        '_base_': [model_part.model_base(spec), data_part.BASE, *training_part.BASES],
        'model': model_part.model_part(spec, num_select),
        **data_part.data_part(spec, folders),
    }


def _folders(spec: TaoSpec, names: tuple[str, ...]) -> dict[str, str]:
    """Return the folders of data that a task reads, archives extracted."""
    places = {name: getattr(spec.values.dataset, SOURCES[name]) for name in names}
    beside = Path(spec.values.results_dir or spec.results_dir('train')) / 'data'
    return {name: data_folder(place, beside) for name, place in places.items() if place}
