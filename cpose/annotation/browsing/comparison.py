"""Predictions beside annotations, with how far they are apart, from the files that commands write.

Letters: P predictions, N objects.
"""

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.building import build_checked
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.file_index import ImageFile, scan_folder
from cpose.datasets.conventions.table import Convention
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.dump_reading import read_dump
from cpose.evaluation.functional.pose_errors import outline_overlap
from cpose.evaluation.records import EvaluationRecord
from cpose.evaluation.score_report import category_symmetries
from cpose.evaluation.tracks.track_file import TRACKS_ENDING
from cpose.files.json_files import JsonFields
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.registry import METRICS

VOLUMES, OUTLINES = '3D IoU', 'overlap of outlines'
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
        predicted_classes: Name of each prediction, or nothing where there is only one category.
        annotated_classes: Name of each object, or nothing.
    """

    name: str
    image_wh: tuple[int, int]
    predicted: np.ndarray
    scores: np.ndarray
    annotated: np.ndarray
    overlaps: np.ndarray
    predicted_classes: Sequence[str | None] = ()
    annotated_classes: Sequence[str | None] = ()

    @property
    def worst(self) -> float:
        """Return the least overlap, 0 for predictions without an object, 1 for an empty image."""
        known = self.overlaps[np.isfinite(self.overlaps)]
        if len(known):
            return float(known.min())
        return 0.0 if len(self.scores) else 1.0


@dataclass(frozen=True)
class Comparison:
    """Images with what was predicted and what is annotated.

    Attributes:
        images: Those that could be compared.
        measure: What their overlaps are.
        left_out: Why results were left out, and how many.
    """

    images: Sequence[ComparedImage]
    measure: str
    left_out: Sequence[str] = ()


def compare_dump(path: str | Path, protocol: Mapping[str, Any]) -> Comparison:
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
    names = meta['category'] if len(meta['category']) > 1 else ()
    pairs = zip(records, overlaps, strict=True)
    return Comparison([_of_record(record, own, names) for record, own in pairs], VOLUMES)


def _of_record(
    record: EvaluationRecord, overlaps: np.ndarray, names: Sequence[str]
) -> ComparedImage:
    is_shown = record.predictions.scores >= MIN_SCORE
    classes = [
        [names[label] for label in labels.tolist()] if names else []
        for labels in (record.predictions.labels[is_shown], record.annotations.labels)
    ]
    return ComparedImage(
        record.image_name,
        (int(record.image_wh[0]), int(record.image_wh[1])),
        record.predictions.keypoints_image[is_shown],
        record.predictions.scores[is_shown],
        record.annotations.keypoints_image,
        overlaps,
        *classes,
    )


def compare_results(folder: str, images: str, convention: Convention | None = None) -> Comparison:
    """Return the images of a folder that ``cpose infer`` wrote, with overlaps in the picture.

    Sizes of these poses are unknown, so the overlap is that of the rectangles around the corners.
    A result belongs to the image at the same place below the folder, else to the only one of its
    name. Where objects of several classes are predicted, one counts as found by its own class.

    Args:
        folder: With JSON files, also in sub-folders.
        images: Folder of the images with their annotations.
        convention: How the annotations are written.

    Raises:
        DataError: If a file cannot be used, or none belongs to an annotated image of the folder.
    """
    files = ImagesByName(scan_folder(images).images)
    reasons: Counter[str] = Counter()
    pairs: list[tuple[JsonFields, ImageFile]] = []
    for name in _result_names(folder):
        path = os.path.join(folder, name)
        root = JsonFields(read_json(path, MOST_BYTES), path)
        image = files.find(os.path.dirname(name), str(root.value('image_name')))
        if isinstance(image, str):
            reasons[image] += 1
        else:
            pairs.append((root, image))
    left_out = [f'{count} {reason}' for reason, count in reasons.items()]
    if not pairs:
        raise DataError(
            f'holds no result of an annotated image: {", ".join(left_out) or "no JSON file"}',
            place=FilePlace(folder),
            advice='Give with {images} the folder of the images that were read, with annotations',
        )
    classes = {item.get('class') for root, _ in pairs for item in root.list_of_fields('objects')}
    several = {name for name in classes if isinstance(name, str)} if len(classes) > 1 else set()
    compared = [
        _of_result(root, image.path, _annotation_of(image, images, convention), several)
        for root, image in pairs
    ]
    return Comparison(compared, OUTLINES, left_out)


def _result_names(folder: str) -> list[str]:
    """Return the results below a folder, without the files of tracks, sorted."""
    found = []
    for below, _, names in os.walk(folder):
        place = os.path.relpath(below, folder)
        chosen = [n for n in names if n.endswith('.json') and not n.endswith(TRACKS_ENDING)]
        found += [os.path.normpath(os.path.join(place, name)) for name in chosen]
    return sorted(found)


class ImagesByName:
    """Images of a folder, to be found by what a result says.

    Args:
        images: All of them.
    """

    def __init__(self, images: Sequence[ImageFile]) -> None:
        self._by_path = {image.path: image for image in images}
        self._by_name: dict[str, list[ImageFile]] = {}
        for image in images:
            self._by_name.setdefault(os.path.basename(image.path), []).append(image)

    def find(self, below: str, name: str) -> ImageFile | str:
        """Return the image of a result, or why there is none.

        Args:
            below: Folder of the result, relative to that of all results.
            name: What the result calls its image.
        """
        name = os.path.basename(name)
        image = self._by_path.get(os.path.join(below, name))
        same = [image] if image else self._by_name.get(name, [])
        if not same:
            return 'of images that are not in the folder'
        if len(same) > 1:
            return 'of names that several images have'
        return same[0] if same[0].annotation_path else 'of images without annotation'


def _annotation_of(image: ImageFile, images: str, convention: Convention | None) -> Annotation:
    assert image.annotation_path is not None
    return read_annotation(os.path.join(images, image.annotation_path), convention)


def _of_result(
    root: JsonFields, path: str, annotation: Annotation, several: Collection[str]
) -> ComparedImage:
    items = root.list_of_fields('objects')
    kept = [item for item in items if float(item.array('score', ())) >= MIN_SCORE]
    predicted = np.array([_points(item) for item in kept]).reshape(-1, 9, 2)
    names = np.array([str(item.get('class')) for item in kept])
    annotated = annotation.fields.projected_cuboid
    overlaps = np.zeros(len(annotated))
    for number, (points, name) in enumerate(zip(annotated, annotation.class_names, strict=True)):
        fits = names == name if name in several else np.ones(len(kept), dtype=bool)
        each = outline_overlap(predicted[fits, 1:], points[None, 1:])
        overlaps[number] = max(each.tolist(), default=0.0)
    scores = np.array([float(item.array('score', ())) for item in kept])
    shown = (names.tolist(), annotation.class_names) if several else ((), ())
    return ComparedImage(path, annotation.image_wh, predicted, scores, annotated, overlaps, *shown)


def _points(item: JsonFields) -> np.ndarray:
    """Return centre and corners (9, 2): those of the pose, else those of the network."""
    if item.has('projected_keypoints_2d'):
        return item.array('projected_keypoints_2d', (9, 2))
    corners = item.array('keypoints_2d', (8, 2))
    return np.concatenate([corners.mean(axis=0, keepdims=True), corners])


def sort_worst_first(compared: Sequence[ComparedImage]) -> list[ComparedImage]:
    """Return images by their worst object, those of equal ones in the order given."""
    return sorted(compared, key=lambda item: item.worst)
