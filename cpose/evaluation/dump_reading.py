"""The format of a file of predictions and annotations, and how it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cpose.codecs.symmetries import encode_symmetric, parse_symmetric
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.records import PREDICTION_SHAPES, EvaluationRecord, PredictedCuboids
from cpose.files.json_files import MAX_SIDE
from cpose.files.text_files import read_json
from cpose.geometry.projection import DISTORTION_LENGTHS
from cpose.structures.pose_data_sample import CuboidAnnotations
from cpose.type_gate import find_foreign

ADVICE = 'Give a file that a test has dumped'


@dataclass(frozen=True)
class DumpFields:
    """One JSON object and where it stands.

    Attributes:
        content: What the parser returned.
        file: File name for messages.
        place: Path inside the file, such as ``images[3]``; empty for the root.
        advice: What to do where a field is missing.
    """

    content: Any
    file: str
    place: str = ''
    advice: str = ADVICE

    def __post_init__(self) -> None:
        """Check that this is a JSON object."""
        if not isinstance(self.content, dict):
            raise DataError(
                f'is {type(self.content).__name__}, expected an object',
                place=FilePlace(self.file, self.place),
                advice=self.advice,
            )

    def value(self, name: str) -> Any:
        """Return a field.

        Raises:
            DataError: If it is missing.
        """
        if name not in self.content:
            raise DataError(
                'is missing', place=FilePlace(self.file, self._path(name)), advice=self.advice
            )
        return self.content[name]

    def is_null(self, name: str) -> bool:
        """Tell whether a field is present but null."""
        return self.value(name) is None

    def list_of(self, name: str) -> list[Any]:
        """Return a field that is a list."""
        value = self.value(name)
        if not isinstance(value, list):
            raise self.error(name, 'must be a list')
        return value

    def fields(self, name: str) -> 'DumpFields':
        """Return a field that is an object."""
        return replace(self, content=self.value(name), place=self._path(name))

    def list_of_fields(self, name: str) -> list['DumpFields']:
        """Return a field that is a list of objects."""
        return [
            replace(self, content=item, place=f'{self._path(name)}[{number}]')
            for number, item in enumerate(self.list_of(name))
        ]

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a field of finite numbers with the given shape, float64."""
        value = self.value(name)
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            array = np.zeros(0)
        if array.shape != shape or value is None or not np.isfinite(array).all():
            wanted = '×'.join(map(str, shape)) if shape else 'one'
            raise self.error(name, f'must be {wanted} finite number{"s" if shape else ""}')
        return array

    def array_or_none(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return such a field, or None if it is null."""
        return None if self.is_null(name) else self.array(name, shape)

    def error(self, name: str, rule: str) -> DataError:
        """Describe what is wrong with a field."""
        place = FilePlace(self.file, self._path(name))
        return DataError(rule, value=self.content.get(name), place=place)

    def _path(self, name: str) -> str:
        return f'{self.place}.{name}' if self.place else name


FORMAT = 'cpose-predictions'
VERSION = 1

ANNOTATION_SHAPES = {
    'labels': (),
    'keypoints_gl': (9, 3),
    'keypoints_image': (9, 2),
    'dims_metric': (3,),
    'visibility': (),
}
"""Shape of one object in each array of `CuboidAnnotations`."""

SINGULAR = {'labels': 'label', 'scores': 'score'}
META_KINDS = {'category': str, 'symmetry': dict, 'eval_num_symmetry': int}
NULLABLE = frozenset({'keypoints_gl', 'keypoints_image'})


def read_dump(path: str | Path) -> tuple[list[EvaluationRecord], dict[str, tuple[Any, ...]]]:
    """Read records and meta information of the categories.

    Raises:
        DataError: If the file is unreadable, of another kind, or a field is missing or wrong.
    """
    root = DumpFields(read_json(path), str(path))
    if root.value('format') != FORMAT or root.value('version') != VERSION:
        raise root.error('format', f'must be {FORMAT!r} of version {VERSION}')
    dataset_meta = read_meta(root.fields('dataset_meta'))
    count = len(dataset_meta['category'])
    records = [_read_record(fields, count) for fields in root.list_of_fields('images')]
    return records, dataset_meta


def read_meta(meta: DumpFields) -> dict[str, tuple[Any, ...]]:
    """Read ``category``, ``symmetry`` and ``eval_num_symmetry``, one entry each per category.

    Raises:
        DataError: If a list is wrong.
    """
    values = {name: tuple(meta.list_of(name)) for name in META_KINDS}
    for name, kind in META_KINDS.items():
        if not values[name] or not all(isinstance(value, kind) for value in values[name]):
            raise meta.error(name, f'must be a list of {kind.__name__} with at least one entry')
    if len({len(entries) for entries in values.values()}) > 1:
        raise meta.error('category', 'must have as many entries as the other lists')
    for _, foreign in find_foreign(values['symmetry']):
        raise meta.error('symmetry', f'has the type {foreign!r}, which is no registered symmetry')
    for symmetry, rotations in zip(values['symmetry'], values['eval_num_symmetry'], strict=True):
        try:
            build_evaluation_symmetry(symmetry, rotations)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise meta.error('symmetry', f'cannot be built: {error}') from error
    return values


def _read_record(fields: DumpFields, num_categories: int) -> EvaluationRecord:
    found, rows = fields.list_of_fields('predictions'), fields.list_of_fields('objects')
    predictions = _read_rows(found, PREDICTION_SHAPES)
    objects = _read_rows(rows, ANNOTATION_SHAPES)
    objects['symmetric'] = np.array([_read_symmetric(row) for row in rows], dtype=np.int64)
    for name, labels in (('predictions', predictions['labels']), ('objects', objects['labels'])):
        if ((labels < 0) | (labels >= num_categories)).any():
            raise fields.error(name, f'has a label outside 0 to {num_categories - 1}')
    return EvaluationRecord(
        image_name=str(fields.value('image_name')),
        image_wh=_read_size(fields),
        predictions=PredictedCuboids(**predictions, extras=_read_extras(found)),
        annotations=CuboidAnnotations(
            **objects,
            plane_gl=fields.array_or_none('plane_gl', (2, 3)),
            extras=_read_extras(rows),
            ignored_boxes=_read_ignored(fields),
        ),
        projection=fields.array_or_none('projection', (3, 3)),
        distortion=_read_distortion(fields),
    )


def _read_size(fields: DumpFields) -> np.ndarray:
    size = fields.array('image_wh', (2,))
    if not ((size >= 1) & (size <= MAX_SIDE)).all():
        raise fields.error('image_wh', f'must be from 1 to {MAX_SIDE}')
    return size


def _read_distortion(fields: DumpFields) -> np.ndarray | None:
    if 'distortion' not in fields.content:
        return None
    count = len(fields.list_of('distortion'))
    if count not in DISTORTION_LENGTHS:
        raise fields.error('distortion', f'has {count} numbers, expected {DISTORTION_LENGTHS}')
    return fields.array('distortion', (count,))


def _read_ignored(fields: DumpFields) -> np.ndarray | None:
    if 'ignored_boxes' not in fields.content:
        return None
    return fields.array('ignored_boxes', (len(fields.list_of('ignored_boxes')), 4))


def _read_symmetric(row: DumpFields) -> int:
    try:
        return encode_symmetric(parse_symmetric(row.content.get('symmetric')))
    except DataError as error:
        raise row.error('symmetric', 'must be true, false or a number of rotations') from error


def _read_extras(rows: Sequence[DumpFields]) -> dict[str, np.ndarray]:
    """Return the arrays of the fields in ``extras``, NaN where one is null or missing."""
    parts = [row.fields('extras') for row in rows if 'extras' in row.content]
    if len(parts) not in (0, len(rows)):
        raise rows[0].error('extras', 'must be in all entries of an image or in none')
    names = parts[0].content if parts else ()
    return {name: _read_extra(parts, name) for name in names}


def _read_extra(parts: Sequence[DumpFields], name: str) -> np.ndarray:
    known = [part for part in parts if not part.is_null(name)]
    try:
        shape = np.shape(known[0].value(name)) if known else ()
    except ValueError as error:
        raise known[0].error(name, 'must be numbers in lists of one length') from error
    values = [
        np.full(shape, np.nan) if part.is_null(name) else part.array(name, shape) for part in parts
    ]
    return np.array(values, dtype=np.float64)


def _read_rows(
    rows: Sequence[DumpFields], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    arrays = {}
    for name, shape in shapes.items():
        key = SINGULAR.get(name, name)
        values = [
            np.full(shape, np.nan)
            if name in NULLABLE and row.is_null(key)
            else row.array(key, shape)
            for row in rows
        ]
        arrays[name] = np.asarray(values, dtype=np.float64).reshape(len(rows), *shape)
    arrays['labels'] = arrays['labels'].astype(np.int64)
    return arrays
