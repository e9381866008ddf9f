"""Matched predictions and objects of many images side by side.

Letters: n pairs, S views.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cpose.evaluation.image_record import ImageRecord
from cpose.geometry.projection import project_points
from cpose.structures.camera import cv_from_gl


@dataclass(frozen=True)
class MatchedPairs:
    """One row per pair; frames and units as in `ImageRecord`.

    Attributes:
        pred_keypoints: (n, 9, 3), Objectron camera frame.
        pred_points: (n, 9, 2), image pixels.
        pred_dims: (n, 3).
        gt_keypoints: (n, 9, 3), metres, Objectron camera frame.
        gt_points: (n, 9, 2) as annotated, image pixels.
        gt_dims: (n, 3).
        planes: (n, 2, 3), NaN where there is no ground plane.
        projections: (n, 3, 3), NaN where unknown.
        image_wh: (n, 2), pixels.
    """

    pred_keypoints: np.ndarray
    pred_points: np.ndarray
    pred_dims: np.ndarray
    gt_keypoints: np.ndarray
    gt_points: np.ndarray
    gt_dims: np.ndarray
    planes: np.ndarray
    projections: np.ndarray
    image_wh: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.image_wh)


def gather_pairs(records: Sequence[ImageRecord], rows: np.ndarray) -> MatchedPairs:
    """Collect the pairs named by ``rows`` (n, 3): numbers of image, prediction and object."""
    columns: list[list[np.ndarray]] = [[] for _ in fields(MatchedPairs)]
    for image, pred, gt in rows:
        record = records[image]
        plane, projection = record.truth.plane_gl, record.projection
        values = (
            record.predictions.keypoints_gl[pred],
            record.predictions.keypoints_image[pred],
            record.predictions.dims[pred],
            record.truth.keypoints_gl[gt],
            record.truth.keypoints_image[gt],
            record.truth.dims_metric[gt],
            np.full((2, 3), np.nan) if plane is None else plane,
            np.full((3, 3), np.nan) if projection is None else projection,
            record.image_wh,
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    shapes = ((9, 3), (9, 2), (3,), (9, 3), (9, 2), (3,), (2, 3), (3, 3), (2,))
    return MatchedPairs(
        *(
            np.asarray(column, dtype=np.float64).reshape(len(rows), *shape)
            for column, shape in zip(columns, shapes, strict=True)
        )
    )


def project_views(
    keypoints_gl: np.ndarray, projections: np.ndarray, annotated: np.ndarray
) -> np.ndarray:
    """Project equivalent views of objects to the image.

    Args:
        keypoints_gl: (n, S, 9, 3), Objectron camera frame, the annotated view first.
        projections: (n, 3, 3) pixels, NaN where unknown.
        annotated: (n, 9, 2) pixels that take the place of all views where the projection is
            unknown.

    Returns:
        (n, S, 9, 2), image pixels.
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        rays = project_points(cv_from_gl(keypoints_gl), np.eye(3))
        turned = np.einsum('nskj,nij->nski', rays, projections[:, :2, :2])
    points = turned + projections[:, None, None, :2, 2]
    is_known = np.isfinite(points).all(axis=(1, 2, 3))
    return np.where(is_known[:, None, None, None], points, annotated[:, None])
