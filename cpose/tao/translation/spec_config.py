"""A whole config from a spec.

The parts of the translation are merged as data. A spec becomes text only where a person asks for a
file, and there every value is a literal.
"""

from collections.abc import Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.files.atomic import write_text_atomic
from cpose.files.config_text import without_templates
from cpose.tao.jobs.archives import data_folder, is_archive
from cpose.tao.jobs.status import process_rank
from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation import data_part, model_part, training_part

CONFIG_NAME = 'centerpose.py'
TEXT_WIDTH = 88
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
        **_common(spec, {**_folders(spec, 'train', ('train', 'val')), **known}),
        **training_part.schedule_part(spec),
        **training_part.run_part(spec),
    }


def evaluation_overlay(spec: TaoSpec) -> dict[str, Any]:
    """Return what a config for evaluation sets.

    Raises:
        ConfigError: If values of the spec contradict each other.
        DataError: If an archive of images cannot be used.
    """
    return {**_common(spec, _folders(spec, 'evaluate', ('test',))), 'load_tensors_only': True}


def network_overlay(spec: TaoSpec, num_select: int) -> dict[str, Any]:
    """Return what a config sets for tasks that read no annotated images.

    Args:
        spec: The spec.
        num_select: Detections per image.

    Raises:
        ConfigError: If values of the spec contradict each other.
    """
    return {**_common(spec, {}, num_select), 'load_tensors_only': True}


def load_overlay(overlay: Mapping[str, Any], folder: Path | None = None) -> Config:
    """Return the whole config with what it inherits.

    Args:
        overlay: What the config sets, with ``_base_``.
        folder: Where `CONFIG_NAME` tells what was translated, None for nowhere; of several
            processes the first one writes it.

    Raises:
        OutputError: If it cannot be written.
    """
    title = 'Translated from a TAO spec.'
    return write_config(load_config(overlay), folder, title, overlay)


def write_config(
    config: Config, folder: Path | None, title: str, overlay: Mapping[str, Any] | None = None
) -> Config:
    """Return a config that tells where it is written.

    Args:
        config: The whole config.
        folder: Where `CONFIG_NAME` is written, None for nowhere; of several processes the first one
            writes it.
        title: What the file is.
        overlay: What the file says: the same in fewer words; None for everything.

    Raises:
        OutputError: If it cannot be written.
    """
    if folder is None or process_rank() != 0:
        return config
    path = folder / CONFIG_NAME
    text = overlay_text(overlay or config.to_dict(), title)
    write_text_atomic(path, text)
    return Config(config.to_dict(), text, str(path))


def overlay_text(overlay: Mapping[str, Any], title: str) -> str:
    """Return a config file in Python that sets the same as an overlay.

    Args:
        overlay: What the config sets, with ``_base_``.
        title: What the file is, its first line.
    """
    lines = [_literal(title), *(f'{key} = {_literal(value)}' for key, value in overlay.items())]
    return '\n\n'.join(lines) + '\n'


def _literal(value: Any) -> str:
    """Write a value so that neither Python nor MMEngine finds more in it than a value."""
    return without_templates(pformat(value, width=TEXT_WIDTH, sort_dicts=False))


def _common(spec: TaoSpec, folders: dict[str, str], num_select: int = 100) -> dict[str, Any]:
    return {
        '_base_': [model_part.model_base(spec), data_part.BASE, *training_part.BASES],
        'model': model_part.model_part(spec, num_select),
        **data_part.data_part(spec, folders),
    }


def _folders(spec: TaoSpec, task: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the folders of data that a task reads, archives extracted."""
    places = {name: getattr(spec.values.dataset, SOURCES[name]) for name in names}
    beside = Path(spec.values.results_dir or spec.results_dir(task)) / 'data'
    return {name: data_folder(place, beside) for name, place in places.items() if place}
