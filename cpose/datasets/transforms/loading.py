"""The first and the last transform: read the image of a record, pack what the model takes."""

import warnings
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from cpose.datasets.image_reading import read_photo
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.geometry.affine import apply_affine
from cpose.registry import TRANSFORMS
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample


@TRANSFORMS.register_module()
class LoadPoseImage(BaseTransform):
    """Read ``img_path``; records that bring their pixels along are left as they are.

    Required keys: img_path, or img. Added keys: img (h, w, 3) uint8 BGR, image_wh.

    Args:
        follow_exif: Whether photographs are turned upright as their EXIF tag says, as viewers show
            them; not where the annotation has the size of the stored pixels and not that of the
            upright ones. Where both sizes are the same, a warning tells it once. False takes the
            stored pixels of all.

    Raises:
        DataError: If the file cannot be decoded or its size is not that of the annotation.
    """

    def __init__(self, follow_exif: bool = True) -> None:
        self._follow_exif = follow_exif
        self._has_told = torch.zeros((), dtype=torch.bool).share_memory_()

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image."""
        if 'img' not in results:
            results['img'] = self._read(results['img_path'], results.get('image_wh'))
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

    def _read(self, path: str, image_wh: tuple[int, int] | None) -> np.ndarray:
        photo = read_photo(path, image_wh, self._follow_exif)
        is_open = image_wh is not None and (
            not photo.header.is_turned_by_quarter or image_wh == image_wh[::-1]
        )
        if photo.header.orientation > 1 and is_open and self._follow_exif and not self._has_told:
            self._has_told.fill_(True)
            warnings.warn(
                f'{path} has the EXIF orientation {photo.header.orientation}, and its annotation '
                'fits both its stored and its upright pixels: the upright ones are taken, as '
                'viewers show them, and so for others of this kind. Set follow_exif=False of '
                'LoadPoseImage if the annotations were made on stored pixels.',
                stacklevel=2,
            )
        return photo.image


@TRANSFORMS.register_module()
class PackPoseInputs(BaseTransform):
    """Keep the pixels and one `PoseDataSample`, drop everything else.

    Required keys: img, img_path, image_wh, input_wh, input_from_image; optional intrinsics,
    distortion, projection, annotations and the keys that ExpandSymmetries adds. Result: ``inputs``
    (3, h, w) uint8 BGR and ``data_samples``.
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
            distortion=results.get('distortion'),
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
