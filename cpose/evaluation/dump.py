"""Predictions and annotations of an evaluation in a JSON file, to be scored without a model.

Arrays keep all digits, so scoring the file gives the same numbers. Keypoints are null where no
pose was found or nothing is annotated. Frames and units are those of `EvaluationRecord`. An object
with an annotated symmetry has the field ``symmetric`` of annotation files. ``extras`` holds what
else is predicted or annotated of an object, where there is something.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cpose.building import build_checked
from cpose.codecs.symmetries import SYMMETRIC_ABSENT, decode_symmetric
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.dump_reading import ANNOTATION_SHAPES, FORMAT, SINGULAR, VERSION, read_dump
from cpose.evaluation.metric_table import build_metrics
from cpose.evaluation.records import (
    PREDICTION_SHAPES,
    EvaluationRecord,
    PredictedCuboids,
    warn_of_missing_annotations,
)
from cpose.evaluation.score_report import build_report
from cpose.files.atomic import write_text_atomic
from cpose.files.json_files import finite_or_null
from cpose.registry import METRICS
from cpose.structures.pose_data_sample import CuboidAnnotations


def write_dump(
    path: str | Path,
    records: Sequence[EvaluationRecord],
    dataset_meta: Mapping[str, Sequence[Any]] | None,
) -> None:
    """Write the file atomically, one line per image.

    Raises:
        OutputError: If it cannot be written.
    """
    write_text_atomic(path, _dump_lines(records, dataset_meta))


def evaluate_dump(
    path: str | Path,
    protocol: Mapping[str, Any],
    tao_protocol: Mapping[str, Any],
    eval_num_symmetry: int | None = None,
    extra_metrics: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Score a file of predictions.

    Args:
        path: File written by `write_dump`.
        protocol: Config of the rules.
        tao_protocol: Config of the rules for ``AP50_3DIoU_tao``.
        eval_num_symmetry: Takes the place of the file's number for all categories.
        extra_metrics: Configs of metrics of your own, as in `ObjectronMetric`.

    Returns:
        The report, see `build_report`.

    Raises:
        DataError: If the file cannot be used.
        ConfigError: If the number of rotations is not positive.
    """
    records, dataset_meta = read_dump(path)
    warn_of_missing_annotations(records)
    if eval_num_symmetry is not None:
        dataset_meta['eval_num_symmetry'] = (eval_num_symmetry,) * len(dataset_meta['category'])
    return build_report(
        records,
        dataset_meta,
        build_checked(METRICS, protocol, EvaluationProtocol),
        build_checked(METRICS, tao_protocol, EvaluationProtocol),
        build_metrics(extra_metrics),
    )


def _dump_lines(
    records: Sequence[EvaluationRecord], dataset_meta: Mapping[str, Sequence[Any]] | None
) -> Iterator[str]:
    head = plain_meta(dataset_meta or {'category': ('object',)})
    yield f'{{"format": "{FORMAT}", "version": {VERSION}, "dataset_meta": {json.dumps(head)},\n'
    yield '"images": ['
    for number, record in enumerate(records):
        yield ',\n' if number else '\n'
        yield json.dumps(_image_entry(record), separators=(',', ':'))
    yield '\n]}\n'


def plain_meta(meta: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the meta information of the categories as JSON has it, see `read_meta`."""
    count = len(meta['category'])
    return {
        'category': list(meta['category']),
        'symmetry': [dict(s) for s in meta.get('symmetry', ({'type': 'NoSymmetry'},) * count)],
        'eval_num_symmetry': list(meta.get('eval_num_symmetry', (1,) * count)),
    }


def _image_entry(record: EvaluationRecord) -> dict[str, Any]:
    plane, ignored = record.annotations.plane_gl, record.annotations.ignored_boxes
    return {
        'image_name': record.image_name,
        'image_wh': np.asarray(record.image_wh).tolist(),
        'projection': None if record.projection is None else record.projection.tolist(),
        'plane_gl': None if plane is None else plane.tolist(),
        'predictions': _row_entries(record.predictions, PREDICTION_SHAPES),
        'objects': _object_entries(record),
        **({} if record.distortion is None else {'distortion': record.distortion.tolist()}),
        **({} if ignored is None else {'ignored_boxes': ignored.tolist()}),
    }


def _object_entries(record: EvaluationRecord) -> list[dict[str, Any]]:
    entries = _row_entries(record.annotations, ANNOTATION_SHAPES)
    for entry, code in zip(entries, record.symmetric.tolist(), strict=True):
        if code != SYMMETRIC_ABSENT:
            entry['symmetric'] = decode_symmetric(code)
    return entries


def _row_entries(
    arrays: PredictedCuboids | CuboidAnnotations, shapes: Mapping[str, tuple[int, ...]]
) -> list[dict[str, Any]]:
    columns = [getattr(arrays, name) for name in shapes]
    entries = [
        {
            SINGULAR.get(name, name): _plain(value)
            for name, value in zip(shapes, values, strict=True)
        }
        for values in zip(*columns, strict=True)
    ]
    if arrays.extras:
        for number, entry in enumerate(entries):
            entry['extras'] = {name: _plain(array[number]) for name, array in arrays.extras.items()}
    return entries


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    if array.ndim and not np.isfinite(array).all():
        return None
    return finite_or_null(array.tolist())
