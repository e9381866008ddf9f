"""Metafiles: the facts about models, and their checks."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cpose.error_places import NO_VALUE, FilePlace
from cpose.errors import ConfigError, nearest_names
from cpose.files.text_files import parse_yaml, read_text
from cpose.files.weight_files import is_location
from cpose.shipped_configs import configs_root

METAFILE = 'centerpose/metafile.yml'
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
SHA256 = re.compile('[0-9a-fA-F]{64}')
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

    def mean_metric(self, name: str = MAIN_METRIC) -> float | None:
        """Return the mean of a figure over the sets of photographs that have it, None without."""
        figures = (item['Metrics'].get(name) for item in self.results if item['Photographs'])
        known = [value for value in figures if value is not None]
        return sum(known) / len(known) if known else None


def shipped_metafile() -> Path:
    """Return the metafile of this project."""
    return configs_root() / METAFILE


@cache
def read_metafile(file: Path) -> tuple[ZooModel, ...]:
    """Return the models of a metafile.

    Paths in it count from the root of the project in the shipped one, from its folder in another.

    Raises:
        ConfigError: If it cannot be read, or an entry lacks something or has a figure without the
            command that led to it.
    """
    try:
        content = parse_yaml(read_text(file, kind=ConfigError))
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
        self._content = self._mapping(content, '', KEYS, REQUIRED)
        if 'Weights' in self._content:
            self._mapping(self._content, '', KEYS, WITH_WEIGHTS)
        figures = [key for key in ('Results', 'Speed') if key in self._content]
        if figures and not {'Command', 'Published'} & self._content.keys():
            raise self._error(figures[0], 'stands without the Command that led to it')

    def model(self) -> ZooModel:
        """Return the entry, checked."""
        is_shipped = self._file == shipped_metafile()
        folder, package = self._file.parent, Path(__file__).parents[2]
        metadata = self._mapping(
            self._content['Metadata'], '.Metadata', METADATA_KEYS, METADATA_KEYS[:2]
        )
        categories = metadata['Category']
        return ZooModel(
            name=self._text('Name'),
            backbone=self._checked('Metadata.Backbone', metadata['Backbone']),
            categories=tuple(
                self._checked('Metadata.Category', category)
                for category in (categories if isinstance(categories, list) else [categories])
            ),
            config=self._path('Config', configs_root().parent if is_shipped else folder),
            weights=self._path('Weights', package if is_shipped else folder),
            sha256=self._sha256(),
            num_bytes=int(self._number('Bytes', self._content.get('Bytes', 0))),
            license=self._text('License'),
            data=self._text('Data'),
            command=self._text('Command'),
            input_wh=self._input_wh(),
            speeds=self._speeds(),
            results=self._results(),
            published=self._published(),
            tao=self._checked('Metadata.TAO', metadata.get('TAO', '')),
            notes=self._text('Notes'),
            metafile=self._file,
        )

    def _text(self, key: str) -> str:
        return self._checked(key, self._content.get(key, ''))

    def _checked(self, key: str, value: Any, kind: type = str) -> Any:
        """Return a value of a key if it is of its kind: a text, or true or false."""
        if not isinstance(value, kind):
            wanted = 'a text' if kind is str else 'true or false'
            raise self._error(key, f'must be {wanted}', value)
        return value

    def _path(self, key: str, folder: Path) -> str:
        """Return a path from the folder that it counts from; a location as it is."""
        value = self._text(key)
        return value if not value or is_location(value) else str(folder / value)

    def _sha256(self) -> str:
        value = self._content.get('SHA256', '')
        if value != '' and not SHA256.fullmatch(str(value)):
            raise self._error('SHA256', 'must be a text of 64 hexadecimal digits', value)
        return str(value)

    def _number(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(key, 'must be a number', value)
        return value

    def _input_wh(self) -> tuple[int, ...]:
        value = self._content.get('Input', [])
        if not isinstance(value, list) or len(value) not in (0, 2):
            raise self._error('Input', 'must be a width and a height', value)
        return tuple(int(self._number('Input', side)) for side in value)

    def _speeds(self) -> tuple[Mapping[str, Any], ...]:
        speeds = self._list('Speed', SPEED_KEYS)
        for number, item in enumerate(speeds):
            self._number(f'Speed[{number}].Milliseconds', item['Milliseconds'])
            for key in ('Runtime', 'Machine'):
                self._checked(f'Speed[{number}].{key}', item[key])
        return speeds

    def _results(self) -> tuple[Mapping[str, Any], ...]:
        results = self._list('Results', RESULT_KEYS)
        for number, item in enumerate(results):
            self._checked(f'Results[{number}].Dataset', item['Dataset'])
            self._checked(f'Results[{number}].Photographs', item['Photographs'], bool)
            place = f'Results[{number}].Metrics'
            if not isinstance(item['Metrics'], dict):
                raise self._error(place, 'must have keys and values', item['Metrics'])
            for name, value in item['Metrics'].items():
                self._checked(place, name)
                self._number(place, value)
        return results

    def _published(self) -> Mapping[str, str]:
        value = self._content.get('Published')
        if value is None:
            return {}
        found = self._mapping(value, '.Published', PUBLISHED_KEYS, PUBLISHED_KEYS)
        return {key: self._checked(f'Published.{key}', text) for key, text in found.items()}

    def _list(self, key: str, keys: tuple[str, ...]) -> tuple[Mapping[str, Any], ...]:
        items = self._content.get(key, [])
        if not isinstance(items, list):
            raise self._error(key, 'must be a list', items)
        return tuple(
            self._mapping(item, f'.{key}[{number}]', keys, keys)
            for number, item in enumerate(items)
        )

    def _mapping(
        self, content: Any, place: str, known: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return a mapping that has all required keys and no unknown one."""
        where = FilePlace(self._file, f'{self._place}{place}')
        if not isinstance(content, dict):
            raise ConfigError('must have keys and values', value=content, place=where)
        missing = [key for key in required if key not in content]
        if missing:
            raise ConfigError(f'lacks {", ".join(missing)}', place=where)
        unknown = [str(key) for key in content if key not in known]
        if unknown:
            raise ConfigError(
                f'has an unknown {unknown[0]!r}',
                place=where,
                advice=nearest_names(unknown[0], known),
            )
        return content

    def _error(self, key: str, problem: str, value: Any = NO_VALUE) -> ConfigError:
        where = FilePlace(self._file, f'{self._place}.{key}')
        return ConfigError(problem, value=value, place=where)
