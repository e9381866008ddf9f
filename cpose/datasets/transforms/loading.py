"""The first and the last transform: read the image of a record, pack what the model takes."""

from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from cpose.datasets.image_reading import read_image
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.geometry.affine import apply_affine
from cpose.registry import TRANSFORMS
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample


@TRANSFORMS.register_module()
class LoadPoseImage(BaseTransform):
    """Read ``img_path``; records that bring their pixels along are left as they are.

    Required keys: img_path, or img. Added keys: img (h, w, 3) uint8 BGR, image_wh.

    Raises:
        DataError: If the file cannot be decoded or its size is not that of the annotation.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image."""
        if 'img' not in results:
            results['img'] = read_image(results['img_path'])
        height, width = results['img'].shape[:2]
        expected = results.setdefault('image_wh', (width, height))
        if expected != (width, height):
            raise DataError(
                f'is {width}×{height} pixels, but camera_data of its annotation says '
                f'{expected[0]}×{expected[1]}',
                place=FilePlace(results['img_path']),
                advice='Annotations must belong to the stored image: resize both or neither',
            )
        return results


@TRANSFORMS.register_module()
class PackPoseInputs(BaseTransform):
    """Keep the pixels and one `PoseDataSample`, drop everything else.

    Required keys: img, img_path, image_wh, input_wh, input_from_image; optional intrinsics,
    projection, annotations and the keys that ExpandSymmetries adds. Result: ``inputs`` (3, h, w)
    uint8 BGR and ``data_samples``.
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
            annotations=results.get('annotations'),
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
