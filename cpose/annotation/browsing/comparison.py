"""Predictions beside annotations, with how far they are apart, from the files that commands write.

Letters: P predictions, N objects.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.building import build_checked
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.annotations.file_index import scan_folder
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.dump_reading import read_dump
from cpose.evaluation.functional.pose_errors import outline_overlap
from cpose.evaluation.records import EvaluationRecord
from cpose.evaluation.score_report import category_symmetries
from cpose.files.json_files import JsonFields
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.registry import METRICS

OUTLINES = 'overlap of outlines'
MIN_SCORE = 0.3
"""From which on a prediction is shown."""


@dataclass(frozen=True)
class ComparedImage:
    """One image with what was predicted and what is annotated.

    Attributes:
        name: File or name of the image.
        image_wh: Width and height, pixels.
        predicted: (P, 9, 2) pixels of predictions that score enough; rows of NaN without a pose.
        scores: (P,).
        annotated: (N, 9, 2) pixels.
        overlaps: (N,) how well each object is found, 0 to 1; 0 if it is missed, NaN if it does not
            count.
        measure: What the overlaps are.
    """

    name: str
    image_wh: tuple[int, int]
    predicted: np.ndarray
    scores: np.ndarray
    annotated: np.ndarray
    overlaps: np.ndarray
    measure: str

    @property
    def worst(self) -> float:
        """Return the least overlap, 0 for predictions without an object, 1 for an empty image."""
        known = self.overlaps[np.isfinite(self.overlaps)]
        if len(known):
            return float(known.min())
        return 0.0 if len(self.scores) else 1.0


def compare_dump(path: str | Path, protocol: Mapping[str, Any]) -> list[ComparedImage]:
    """Return the images of a file that ``cpose test --dump`` wrote, with 3D IoUs.

    Args:
        path: The file.
        protocol: Config of the rules by which predictions are matched.

    Raises:
        DataError: If it cannot be used.
    """
    records, meta = read_dump(path)
    rules = build_checked(METRICS, protocol, EvaluationProtocol)
    overlaps = [np.full(len(record.annotations), np.nan) for record in records]
    for label, (_, symmetry) in enumerate(category_symmetries(meta)):
        chosen = [record.of_label(label) for record in records]
        found = rules.assess(chosen, symmetry)
        places = [np.flatnonzero(record.annotations.labels == label) for record in records]
        for number, record in enumerate(records):
            is_counted = record.annotations.visibility[places[number]] >= rules.min_visibility
            overlaps[number][places[number][is_counted]] = 0.0
        for (image, _, row), iou in zip(found.rows, found.values['iou'], strict=True):
            if row >= 0:
                overlaps[image][places[image][row]] = iou
    return [_of_record(record, own) for record, own in zip(records, overlaps, strict=True)]


def _of_record(record: EvaluationRecord, overlaps: np.ndarray) -> ComparedImage:
    is_shown = record.predictions.scores >= MIN_SCORE
    return ComparedImage(
        record.image_name,
        (int(record.image_wh[0]), int(record.image_wh[1])),
        record.predictions.keypoints_image[is_shown],
        record.predictions.scores[is_shown],
        record.annotations.keypoints_image,
        overlaps,
        '3D IoU',
    )


def compare_results(folder: str, images: str) -> list[ComparedImage]:
    """Return the images of a folder that ``cpose infer`` wrote, with overlaps in the picture.

    Sizes of these poses are unknown, so the overlap is that of the rectangles around the corners.

    Args:
        folder: With JSON files, or with a sub-folder ``json``.
        images: Folder of the images with their annotations.

    Raises:
        DataError: If a file cannot be used, or none belongs to an image of the folder.
    """
    below = os.path.join(folder, 'json')
    folder = below if os.path.isdir(below) else folder
    found = {os.path.basename(image.path): image for image in scan_folder(images).images}
    compared = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith('.json'):
            continue
        path = os.path.join(folder, name)
        root = JsonFields(read_json(path, MOST_BYTES), path)
        image = found.get(os.path.basename(str(root.value('image_name'))))
        if image is None or image.annotation_path is None:
            continue
        annotation = read_annotation(os.path.join(images, image.annotation_path))
        annotated = annotation.fields.projected_cuboid
        compared.append(_of_result(root, image.path, annotation.image_wh, annotated))
    if not compared:
        raise DataError(
            'holds no result of an annotated image',
            place=FilePlace(folder),
            advice='Give with {images} the folder of the images that were read',
        )
    return compared


def _of_result(
    root: JsonFields, path: str, image_wh: tuple[int, int], annotated: np.ndarray
) -> ComparedImage:
    items = root.list_of_fields('objects')
    kept = [item for item in items if float(item.array('score', ())) >= MIN_SCORE]
    predicted = np.array([_points(item) for item in kept]).reshape(-1, 9, 2)
    overlaps = np.zeros(len(annotated))
    for number, points in enumerate(annotated):
        each = outline_overlap(predicted[:, 1:], points[None, 1:])
        overlaps[number] = max(each.tolist(), default=0.0)
    scores = np.array([float(item.array('score', ())) for item in kept])
    return ComparedImage(path, image_wh, predicted, scores, annotated, overlaps, OUTLINES)


def _points(item: JsonFields) -> np.ndarray:
    """Return centre and corners (9, 2): those of the pose, else those of the network."""
    if item.has('projected_keypoints_2d'):
        return item.array('projected_keypoints_2d', (9, 2))
    corners = item.array('keypoints_2d', (8, 2))
    return np.concatenate([corners.mean(axis=0, keepdims=True), corners])


def sort_worst_first(compared: Sequence[ComparedImage]) -> list[ComparedImage]:
    """Return images by their worst object, those of equal ones in the order given."""
    return sorted(compared, key=lambda item: item.worst)
