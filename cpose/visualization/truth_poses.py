"""Annotated objects in the form of results, so that truth and prediction are drawn alike."""

from typing import Any

import numpy as np

from cpose.geometry.rotation import quaternion_from_matrix
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidTruth, PoseDataSample


def truth_result(sample: PoseDataSample) -> PoseResult:
    """Return the annotation of a sample as if it had been predicted with score 1."""
    poses = [] if sample.truth is None else truth_poses(sample.truth)
    return PoseResult(
        sample.image_path, sample.image_wh, sample.intrinsics, poses, sample.distortion
    )


def truth_poses(truth: CuboidTruth) -> list[ObjectPose]:
    """Return the annotated objects; those without 3D keypoints have no pose fields."""
    keypoints_cv = cv_from_gl(truth.keypoints_gl)
    return [
        ObjectPose(
            score=1.0,
            label=int(truth.labels[index]),
            bbox_image=_surround(truth.keypoints_image[index, 1:]),
            corners_image=truth.keypoints_image[index, 1:],
            dims=truth.dims_metric[index],
            **_pose_fields(keypoints_cv[index], truth.keypoints_image[index]),
        )
        for index in range(len(truth))
    ]


def _surround(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _pose_fields(keypoints_cv: np.ndarray, keypoints_image: np.ndarray) -> dict[str, Any]:
    if not np.isfinite(keypoints_cv).all():
        return {}
    sides = keypoints_cv[1:].T @ CORNER_SIGNS
    rotation = sides / np.linalg.norm(sides, axis=0, keepdims=True)
    return {
        'location_cv': keypoints_cv[0],
        'quaternion_xyzw': quaternion_from_matrix(rotation),
        'keypoints_cv': keypoints_cv,
        'keypoints_image': keypoints_image,
    }
