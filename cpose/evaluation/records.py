"""What the metric keeps of an image: plain arrays, so that ranks can exchange them.

Letters: P predictions, N objects.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from mmengine.logging import print_log

from cpose.codecs.symmetries import SYMMETRIC_ABSENT
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.structures.camera import gl_from_cv
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample, field_arrays


@dataclass(frozen=True)
class PredictedCuboids:
    """Predictions of one image; keypoints are NaN where no pose was found.

    Attributes:
        scores: (P,), 0 to 1.
        labels: (P,) int64 category numbers.
        dims: (P, 3) extents along x, y, z, any unit.
        keypoints_gl: (P, 9, 3), Objectron camera frame, unknown or metric unit.
        keypoints_image: (P, 9, 2), projections of the posed cuboid, image pixels.
        extras: (P, ...) by name, what the model predicts besides.
    """

    scores: np.ndarray
    labels: np.ndarray
    dims: np.ndarray
    keypoints_gl: np.ndarray
    keypoints_image: np.ndarray
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def has_pose(self) -> np.ndarray:
        """Return (P,) bool, whether a pose was found."""
        finite_gl = np.isfinite(self.keypoints_gl).all(axis=(1, 2))
        return np.asarray(finite_gl & np.isfinite(self.keypoints_image).all(axis=(1, 2)))

    def select(self, rows: np.ndarray) -> 'PredictedCuboids':
        """Return the predictions chosen by a mask or by numbers."""
        arrays = {name: getattr(self, name)[rows] for name in PREDICTION_SHAPES}
        return PredictedCuboids(**arrays, extras=select_rows(self.extras, rows))


PREDICTION_SHAPES = {
    'scores': (),
    'labels': (),
    'dims': (3,),
    'keypoints_gl': (9, 3),
    'keypoints_image': (9, 2),
}
"""Shape of one prediction in each array of `PredictedCuboids`."""


@dataclass(frozen=True)
class EvaluationRecord:
    """Predictions and annotations of one image.

    Attributes:
        image_name: File or name of the image.
        image_wh: (2,) pixels.
        predictions: What the model found.
        annotations: What is annotated.
        projection: (3, 3) pixels from OpenCV camera points, or None if unknown.
        distortion: Lens coefficients k1 k2 p1 p2 ..., or None for a pinhole.
    """

    image_name: str
    image_wh: np.ndarray
    predictions: PredictedCuboids
    annotations: CuboidAnnotations
    projection: np.ndarray | None = None
    distortion: np.ndarray | None = None

    @property
    def symmetric(self) -> np.ndarray:
        """Return (N,) the annotated symmetry of each object, as in `CuboidAnnotations`."""
        if self.annotations.symmetric is None:
            return np.full(len(self.annotations), SYMMETRIC_ABSENT)
        return self.annotations.symmetric

    def of_label(self, label: int) -> 'EvaluationRecord':
        """Return the record with predictions and objects of one category only."""
        rows = self.annotations.labels == label
        arrays = field_arrays(self.annotations)
        plane = arrays.pop('plane_gl', None)
        ignored = arrays.pop('ignored_boxes', None)
        extras = select_rows(self.annotations.extras, rows)
        annotations = CuboidAnnotations(**select_rows(arrays, rows), plane_gl=plane, extras=extras)
        is_wanted = self.predictions.labels == label
        if ignored is not None:
            is_wanted &= ~_is_ignored(self.predictions, self.annotations.keypoints_image, ignored)
        predictions = self.predictions.select(is_wanted)
        return replace(self, predictions=predictions, annotations=annotations)


MIN_INSIDE = 0.5
"""Share of a prediction's rectangle inside an ignored one."""


def _is_ignored(
    predictions: PredictedCuboids, objects: np.ndarray, ignored: np.ndarray
) -> np.ndarray:
    """Tell which predictions (P,) show an ignored region, and not one of the objects (N, 9, 2).

    At least half of the rectangle around the corners lies in the region, and no object overlaps
    it more than the region does.
    """
    found = _rectangles(predictions.keypoints_image)
    in_region, of_region = _overlaps(found, ignored)
    _, of_object = _overlaps(found, _rectangles(objects))
    best = of_object.max(axis=1, initial=0.0)
    is_region = (in_region >= MIN_INSIDE) & (of_region >= best[:, None])
    return np.asarray(is_region.any(axis=1))


def _rectangles(keypoints_image: np.ndarray) -> np.ndarray:
    """Return (n, 4) left, top, right, bottom around the corners of keypoints (n, 9, 2)."""
    corners = keypoints_image[:, 1:]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of each box (P, 4) inside each other one (R, 4), and their IoU, (P, R)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    area, other = (np.prod(item[:, 2:] - item[:, :2], axis=1) for item in (boxes, others))
    with np.errstate(invalid='ignore', divide='ignore'):
        return common / area[:, None], common / (area[:, None] + other[None] - common)


def record_image(result: PoseResult, sample: PoseDataSample, min_score: float) -> EvaluationRecord:
    """Put prediction and annotation of one image together.

    Poses are converted to the Objectron frame of the annotations, whatever frame is chosen for
    output files.

    Raises:
        DataError: If the image has no annotation.
    """
    annotations = known_annotations(sample.annotations, sample.image_path)
    poses = [pose for pose in result.poses if pose.score >= min_score]
    projection = sample.intrinsics if sample.projection is None else sample.projection
    return EvaluationRecord(
        image_name=sample.image_path,
        image_wh=np.asarray(sample.image_wh, dtype=np.float64),
        predictions=collect_predictions(poses),
        annotations=annotations,
        projection=projection,
        distortion=sample.distortion,
    )


def known_annotations(annotations: CuboidAnnotations | None, image_path: str) -> CuboidAnnotations:
    """Return the annotated objects of an image.

    Raises:
        DataError: If the image has no annotation.
    """
    if annotations is None:
        raise DataError(
            'has no annotation, so it cannot be evaluated',
            place=FilePlace(image_path),
            advice=('Add the JSON file beside the image', 'Use infer'),
        )
    return annotations


def collect_predictions(poses: list[ObjectPose]) -> PredictedCuboids:
    """Stack poses into arrays; those without a pose become NaN."""
    rows = [
        (
            pose.score,
            pose.label,
            pose.dims,
            np.full((9, 3), np.nan) if pose.keypoints_cv is None else gl_from_cv(pose.keypoints_cv),
            np.full((9, 2), np.nan) if pose.keypoints_image is None else pose.keypoints_image,
        )
        for pose in poses
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(PREDICTION_SHAPES)
    arrays = {
        name: np.asarray(column, dtype=np.float64).reshape(len(rows), *shape)
        for (name, shape), column in zip(PREDICTION_SHAPES.items(), columns, strict=True)
    }
    arrays['labels'] = arrays['labels'].astype(np.int64)
    names = poses[0].extras if poses else ()
    extras = {
        name: np.array([pose.extras[name] for pose in poses], dtype=np.float64) for name in names
    }
    return PredictedCuboids(**arrays, extras=extras)


def select_rows(arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rows of all arrays that a mask or numbers choose."""
    return {name: array[rows] for name, array in arrays.items()}


def record_to_arrays(record: EvaluationRecord) -> dict[str, Any]:
    """Return a record as a dict of arrays."""
    predictions = {name: getattr(record.predictions, name) for name in PREDICTION_SHAPES}
    return {
        'image_name': record.image_name,
        'image_wh': record.image_wh,
        'projection': record.projection,
        'distortion': record.distortion,
        'predictions': {**predictions, 'extras': dict(record.predictions.extras)},
        'annotations': {
            **field_arrays(record.annotations),
            'extras': dict(record.annotations.extras),
        },
    }


def record_from_arrays(arrays: Mapping[str, Any]) -> EvaluationRecord:
    """Undo `record_to_arrays`."""
    return EvaluationRecord(
        arrays['image_name'],
        arrays['image_wh'],
        PredictedCuboids(**arrays['predictions']),
        CuboidAnnotations(**arrays['annotations']),
        arrays['projection'],
        arrays['distortion'],
    )


def warn_of_missing_annotations(records: Sequence[EvaluationRecord]) -> None:
    """Log how many objects lack 3D points and how many images a camera, with the first of each."""
    missing = [~np.isfinite(record.annotations.keypoints_gl).all(axis=(1, 2)) for record in records]
    num_missing = sum(int(is_missing.sum()) for is_missing in missing)
    if num_missing:
        first = next(n for n, is_missing in enumerate(missing) if is_missing.any())
        num_objects = sum(len(is_missing) for is_missing in missing)
        _warn(
            f'{num_missing} of {num_objects} objects have no 3D points and do not count: '
            f'{records[first].image_name}, objects[{missing[first].argmax()}] is the first. '
            'Annotate keypoints_3d, or location and quaternion_xyzw.'
        )
    blind = [record.image_name for record in records if record.projection is None]
    if blind:
        _warn(
            f'{len(blind)} of {len(records)} images have no camera, so no pose is found in them: '
            f'{blind[0]} is the first. Annotate camera_data.intrinsics.'
        )


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
