"""Turn a record into what the model takes."""

from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from cpose.geometry.affine import apply_affine
from cpose.registry import TRANSFORMS
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample


@TRANSFORMS.register_module()
class PackPoseInputs(BaseTransform):
    """Keep the pixels and one `PoseDataSample`, drop everything else.

    Required keys: img, img_path, image_wh, input_wh, input_from_image; optional intrinsics,
    projection, truth and the keys that ExpandSymmetries adds. Result: ``inputs`` (3, h, w) uint8
    BGR and ``data_samples``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack the record."""
        image = results['img']
        planes = np.empty((3, *image.shape[:2]), dtype=np.uint8)
        cv2.split(image, list(planes))
        sample = PoseDataSample(
            image_path=results['img_path'],
            image_wh=results['image_wh'],
            input_wh=results['input_wh'],
            input_from_image=results['input_from_image'],
            intrinsics=results.get('intrinsics'),
            candidates=_candidates(results) if 'cand_corners' in results else None,
            truth=results.get('truth'),
            projection=results.get('projection'),
        )
        return {'inputs': torch.from_numpy(planes), 'data_samples': sample}


def _candidates(results: dict[str, Any]) -> CuboidCandidates:
    corners, centers = results['cand_corners'], results['cand_centers']
    affine, image_wh = results['input_from_image'], results['image_wh']
    return CuboidCandidates(
        labels=results['cand_labels'],
        centers_input=apply_affine(affine, centers),
        corners_input=apply_affine(affine, corners),
        is_corner_in_image=_is_inside(corners, image_wh),
        is_center_in_image=_is_inside(centers, image_wh),
        dims_metric=results['cand_dims'],
        is_candidate=results['cand_mask'],
    )


def _is_inside(points: np.ndarray, image_wh: tuple[int, int]) -> np.ndarray:
    return np.asarray(((points >= 0) & (points < np.array(image_wh))).all(axis=-1))
