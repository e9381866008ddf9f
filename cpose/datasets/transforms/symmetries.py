"""Symmetric versions of every object, in pixels of the original image."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.geometry.projection import project_points
from cpose.registry import TRANSFORMS
from cpose.structures.camera import cv_from_gl
from cpose.structures.pose_data_sample import CuboidAnnotations

MIN_DEPTH = 1e-6


@TRANSFORMS.register_module()
class ExpandSymmetries(BaseTransform):
    """Add the candidates of all objects. Letters: N objects, S candidates.

    An object without symmetry keeps its annotated corners; the candidates of others are
    projected, the first one too. Candidates that reach behind the camera are masked: their
    corners are mirrored. One without symmetry stays if its 3D points are unknown, or all behind
    the camera: then they are of another frame, and nothing else here reads them.

    Required keys: annotations, symmetries, projection (for symmetric objects); optional distortion
    and max_objs.
    Added keys: cand_labels (N,), cand_centers (N, 2) and cand_corners (N, S, 8, 2) in original
    pixels, cand_dims (N, S, 3), cand_mask (N, S) bool.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the candidates."""
        annotations = results['annotations']
        if annotations is None:
            raise DataError(
                'has no annotation, and training needs one for every image',
                place=FilePlace(results['img_path']),
                advice='Keep require_annotation=True for the data of a training',
            )
        symmetries = results['symmetries'][: results.get('max_objs')]
        count = len(symmetries)
        rows = max((symmetry.order for symmetry in symmetries), default=1)
        corners = np.zeros((count, rows, 8, 2))
        dims = np.ones((count, rows, 3))
        mask = np.zeros((count, rows), dtype=bool)
        centers = annotations.keypoints_image[:count, 0].copy()
        is_behind = cv_from_gl(annotations.keypoints_gl)[..., 2] <= MIN_DEPTH
        for n, symmetry in enumerate(symmetries):
            if symmetry.order == 1:
                corners[n, 0] = annotations.keypoints_image[n, 1:]
                dims[n, 0] = annotations.dims_metric[n]
                mask[n, 0] = is_behind[n].all() or not is_behind[n].any()
            else:
                order = symmetry.order
                projected, dims[n, :order], mask[n, :order] = _project_candidates(
                    annotations, n, symmetry, results['projection'], results.get('distortion')
                )
                corners[n, :order] = projected[:, 1:]
                if mask[n, 0]:
                    centers[n] = projected[0, 0]
        results['cand_labels'] = annotations.labels[:count]
        results['cand_centers'] = centers
        results['cand_corners'] = corners
        results['cand_dims'] = dims
        results['cand_mask'] = mask
        return results


def _project_candidates(
    annotations: CuboidAnnotations,
    number: int,
    symmetry: Any,
    projection: np.ndarray,
    distortion: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keypoints (S, 9, 2) in pixels, dims (S, 3) and whether they are in front (S,)."""
    keypoints_gl, dims = symmetry.candidates(
        annotations.keypoints_gl[number], annotations.dims_metric[number]
    )
    keypoints_cv = cv_from_gl(keypoints_gl)
    is_in_front = np.asarray((keypoints_cv[..., 2] > MIN_DEPTH).all(axis=-1))
    keypoints_cv = np.where(is_in_front[:, None, None], keypoints_cv, 1.0)
    return project_points(keypoints_cv, projection, distortion), dims, is_in_front


@TRANSFORMS.register_module()
class TruncateCorners(BaseTransform):
    """Cut projected and annotated corners and centres down to whole pixels, towards zero.

    Source: TAO PyTorch 6.25.10. For comparison with models trained there; it loses up to one
    pixel. Stands between ExpandSymmetries and the affine.

    Changed keys: cand_corners, cand_centers.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Truncate the candidates."""
        for name in ('cand_corners', 'cand_centers'):
            results[name] = np.trunc(results[name])
        return results
