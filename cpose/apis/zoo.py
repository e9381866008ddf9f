"""The models of the zoo: what their metafiles say.

``configs/centerpose/metafile.yml`` is the only place for figures of shipped models. The variable
``CPOSE_ZOO`` names further metafiles, of models of your own.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cpose.error_places import FilePlace
from cpose.errors import ConfigError, nearest_names, unreadable
from cpose.files.weight_files import is_location
from cpose.shipped_configs import configs_root

METAFILE = 'centerpose/metafile.yml'
ZOO_VARIABLE = 'CPOSE_ZOO'
MAIN_METRIC = 'AP50_3DIoU'
"""Metric of the tables."""
REQUIRED = ('Name', 'Metadata')
KEYS = (
    *(*REQUIRED, 'In Collection', 'Config', 'License', 'Data', 'Command', 'Notes'),
    *('Weights', 'SHA256', 'Bytes', 'Input', 'Speed', 'Results', 'Published'),
)
METADATA_KEYS = ('Backbone', 'Category', 'TAO')
SPEED_KEYS = ('Milliseconds', 'Runtime', 'Machine')
RESULT_KEYS = ('Dataset', 'Photographs', 'Metrics')
PUBLISHED_KEYS = ('By', 'URL', 'Convert')
WITH_WEIGHTS = ('SHA256', 'Bytes', 'License', 'Data', 'Command')
"""Keys that an entry with weights must have."""


@dataclass(frozen=True)
class ZooModel:
    """One entry of a metafile.

    Attributes:
        name: What ``--model`` takes.
        backbone: Its backbone, in words.
        categories: What it finds.
        config: File of its config, empty if the weights alone are described.
        weights: Path or location of the weights, see `cpose.files.weight_files`; empty if there are
            none.
        sha256: Checksum of the weights.
        num_bytes: Size of the weights.
        license: Licence of the weights.
        data: What it was trained on.
        command: How it was trained.
        input_wh: Width and height of the network input that the figures are for, pixels.
        speeds: Dicts with ``Milliseconds`` per image, ``Runtime`` and ``Machine``.
        results: Dicts with ``Dataset``, ``Metrics`` by name, and ``Photographs``: whether the set
            consists of real ones.
        published: Who publishes the weights (``By``), where (``URL``), and the command that makes a
            file of this project of them (``Convert``); empty unless the user brings the file.
        tao: What TAO calls the backbone; empty if it has no such model.
        notes: What else there is to know.
        metafile: Where it is described.
    """

    name: str
    backbone: str
    categories: tuple[str, ...]
    config: str
    weights: str
    sha256: str
    num_bytes: int
    license: str
    data: str
    command: str
    input_wh: tuple[int, ...]
    speeds: tuple[Mapping[str, Any], ...]
    results: tuple[Mapping[str, Any], ...]
    published: Mapping[str, str]
    tao: str
    notes: str
    metafile: Path = field(compare=False)

    @property
    def origin(self) -> str:
        """Where the weights are, in words; empty if there are none."""
        if self.published:
            return 'bring your own'
        if self.weights and not is_location(self.weights):
            return 'in the package' if self.metafile == shipped_metafile() else 'a file'
        return 'download' if self.weights else ''

    @property
    def address(self) -> str:
        """Where the weights are on the web; empty if they are not there."""
        return self.published.get('URL') or (self.weights if is_location(self.weights) else '')

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain data, for JSON."""
        return {**asdict(self), 'metafile': str(self.metafile)}

    def metric(self, dataset: str, name: str = MAIN_METRIC) -> float | None:
        """Return a figure on a data set, None if there is none."""
        figures = (item['Metrics'] for item in self.results if item['Dataset'] == dataset)
        found: Mapping[str, float] = next(figures, {})
        return found.get(name)


def shipped_metafile() -> Path:
    """Return the metafile of this project."""
    return configs_root() / METAFILE


def list_models() -> list[ZooModel]:
    """Return the models of all metafiles, the shipped ones first.

    Raises:
        ConfigError: If a metafile is wrong, or two models have one name.
    """
    further = os.environ.get(ZOO_VARIABLE, '').split(os.pathsep)
    models: dict[str, ZooModel] = {}
    for file in (shipped_metafile(), *map(Path, filter(None, further))):
        for model in read_metafile(file):
            if model.name in models:
                raise ConfigError(
                    f'is the name of a model of {models[model.name].metafile} too',
                    value=model.name,
                    place=FilePlace(file, 'Name'),
                    advice='Choose another name',
                )
            models[model.name] = model
    return list(models.values())


def find_model(name: str) -> ZooModel:
    """Return the model of a name.

    Raises:
        ConfigError: If there is none; the message names the nearest.
    """
    models = {model.name: model for model in list_models()}
    if name in models:
        return models[name]
    known = [model.name for model in models.values() if model.weights or model.published]
    raise ConfigError(
        'is no model of the zoo, no file and no address',
        argument='model',
        value=name,
        advice=f'{nearest_names(name, known)} `cpose zoo` lists all',
    )


def photograph_sets(models: Iterable[ZooModel]) -> list[str]:
    """Return the names of the sets of real photographs that models have figures on."""
    sets = (item for model in models for item in model.results if item['Photographs'])
    return list(dict.fromkeys(item['Dataset'] for item in sets))


@cache
def read_metafile(file: Path) -> tuple[ZooModel, ...]:
    """Return the models of a metafile.

    Paths in it count from the root of the project in the shipped one, from its folder in another.

    Raises:
        ConfigError: If it cannot be read, or an entry lacks something or has a figure without the
            command that led to it.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(file, error, ConfigError) from error
    except ValueError as error:
        raise ConfigError(f'is no text: {error}', place=FilePlace(file)) from error
    except yaml.YAMLError as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(f'is no YAML: {reason}', place=FilePlace(file)) from error
    entries = content.get('Models') if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ConfigError('must be a list', place=FilePlace(file, 'Models'))
    return tuple(_Entry(entry, file, f'Models[{i}]').model() for i, entry in enumerate(entries))


class _Entry:
    """An entry while it is read."""

    def __init__(self, content: Any, file: Path, place: str) -> None:
        self._file, self._place = file, place
        self._content = self._checked(content, '', KEYS, REQUIRED)
        if 'Weights' in self._content:
            self._checked(self._content, '', KEYS, WITH_WEIGHTS)
        figures = [key for key in ('Results', 'Speed') if key in self._content]
        if figures and not {'Command', 'Published'} & self._content.keys():
            raise self._error(figures[0], 'stands without the Command that led to it')

    def model(self) -> ZooModel:
        get = self._content.get
        is_shipped = self._file == shipped_metafile()
        package = Path(__file__).parents[2]
        metadata = self._checked(get('Metadata'), '.Metadata', METADATA_KEYS, METADATA_KEYS[:2])
        categories = metadata['Category']
        published = get('Published')
        return ZooModel(
            name=str(get('Name')),
            backbone=metadata['Backbone'],
            categories=tuple([categories] if isinstance(categories, str) else categories),
            config=self._path('Config', configs_root().parent if is_shipped else self._file.parent),
            weights=self._path('Weights', package if is_shipped else self._file.parent),
            sha256=str(get('SHA256', '')),
            num_bytes=get('Bytes', 0),
            license=get('License', ''),
            data=get('Data', ''),
            command=get('Command', ''),
            input_wh=tuple(get('Input', ())),
            speeds=self._list('Speed', SPEED_KEYS),
            results=self._list('Results', RESULT_KEYS),
            published={}
            if published is None
            else self._checked(published, '.Published', PUBLISHED_KEYS, PUBLISHED_KEYS),
            tao=metadata.get('TAO', ''),
            notes=get('Notes', ''),
            metafile=self._file,
        )

    def _path(self, key: str, folder: Path) -> str:
        """Return a path from the folder that it counts from; a location as it is."""
        value = self._content.get(key, '')
        return value if not value or is_location(value) else str(folder / value)

    def _list(self, key: str, keys: tuple[str, ...]) -> tuple[Mapping[str, Any], ...]:
        items = self._content.get(key, [])
        if not isinstance(items, list):
            raise self._error(key, 'must be a list')
        return tuple(
            self._checked(item, f'.{key}[{number}]', keys, keys)
            for number, item in enumerate(items)
        )

    def _checked(
        self, content: Any, place: str, known: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return a mapping that has all required keys and no unknown one."""
        where = FilePlace(self._file, f'{self._place}{place}')
        if not isinstance(content, dict):
            raise ConfigError('must have keys and values', value=content, place=where)
        missing = [key for key in required if key not in content]
        unknown = [key for key in content if key not in known]
        if missing or unknown:
            problem = f'lacks {", ".join(missing)}' if missing else f'has an unknown {unknown[0]!r}'
            name = content.get('Name', '')
            raise ConfigError(
                f'{problem} ({name})' if name else problem,
                place=where,
                advice='' if missing else nearest_names(str(unknown[0]), known),
            )
        return content

    def _error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(problem, place=FilePlace(self._file, f'{self._place}.{key}'))
