"""From decoded detections in heatmap cells to poses in the original image.

Letters: B batch, T detections, N detections above the threshold, M after suppression, K = 8
corners.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from cpose.errors import check_number
from cpose.geometry.affine import apply_affine, invert_affine
from cpose.geometry.pnp import MISSING_BELOW, PnPResult, solve_cuboid_pnp
from cpose.geometry.projection import project_points, undistort_points
from cpose.registry import CODECS
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.object_pose import ObjectPose
from cpose.structures.pose_data_sample import PoseDataSample


def suppress_softly(
    bboxes: np.ndarray, scores: np.ndarray, sigma: float, score_thr: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lower the score of each box by its overlap with every better one (Gaussian weights).

    A score is multiplied with exp(−IoU² / sigma) once for each better box that stays. Box sides
    are counted with + 1, as for whole pixels. Source: Bodla et al., "Soft-NMS: Improving Object
    Detection With One Line of Code" (ICCV 2017), equation 3; details as in TAO PyTorch 6.25.10.

    Args:
        bboxes: (N, 4), left, top, right, bottom, image pixels.
        scores: (N,), 0 to 1.
        sigma: Width of the Gaussian.
        score_thr: A box whose score is lowered below is dropped.

    Returns:
        Numbers (M,) of the boxes that stay and their lowered scores (M,), best first.
    """
    weights = np.exp(-np.square(_box_iou(np.asarray(bboxes, dtype=np.float64))) / sigma)
    left = np.array(scores, dtype=np.float64)
    kept: list[int] = []
    kept_scores: list[float] = []
    for _ in range(len(left)):
        best = int(left.argmax())
        if left[best] < score_thr:
            break
        kept.append(best)
        kept_scores.append(float(left[best]))
        left *= weights[best]
        left[best] = -np.inf
    return np.array(kept, dtype=np.int64), np.array(kept_scores)


def _box_iou(bboxes: np.ndarray) -> np.ndarray:
    low, high = bboxes[:, :2], bboxes[:, 2:]
    area = (high - low + 1).clip(min=1e-6).prod(axis=1)
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low) + 1
    shared = overlap.clip(min=0).prod(axis=2)
    return shared / (area[:, None] + area - shared)


DEFAULT_POINTS = {'type': 'DisplacementAndHeatmapPoints'}
DEFAULT_SOLVER = {'type': 'InFrontPnP'}


@CODECS.register_module()
class PoseRecovery:
    """Threshold, map to image pixels, merge duplicates and find the poses.

    Args:
        score_thr: Detections must score more; also where suppression drops them.
        nms_sigma: Width of the Gaussian of the soft non-maximum suppression.
        use_pnp: Whether to look for 6-DoF poses where the intrinsics are known.
        stride: Input pixels per heatmap cell.
        point_source: Config of the choice of the points that go to PnP.
        solver: Config of the PnP solver.
        dims_fit: Config of what corrects the predicted dimensions once a pose is known; None
            leaves them as they are.

    Raises:
        ConfigError: If a number is out of range.
    """

    def __init__(
        self,
        score_thr: float = 0.3,
        nms_sigma: float = 0.5,
        use_pnp: bool = True,
        stride: int = 4,
        point_source: Mapping[str, Any] = DEFAULT_POINTS,
        solver: Mapping[str, Any] = DEFAULT_SOLVER,
        dims_fit: Mapping[str, Any] | None = None,
    ) -> None:
        check_number('model.head.recovery.score_thr', score_thr, least=0, most=1)
        check_number('model.head.recovery.nms_sigma', nms_sigma, above=0)
        self.score_thr = score_thr
        self.nms_sigma = nms_sigma
        self.use_pnp = use_pnp
        self.stride = stride
        self.point_source = CODECS.build(dict(point_source))
        self.solver = CODECS.build(dict(solver))
        self.dims_fit = CODECS.build(dict(dims_fit)) if dims_fit else None

    def __call__(
        self,
        decoded: Mapping[str, Tensor | np.ndarray],
        samples: Sequence[PoseDataSample],
        score_thr: float | None = None,
    ) -> list[list[ObjectPose]]:
        """Return the objects of every image, best score first.

        Args:
            decoded: Detections of the batch as `CenterPoseCodec.decode` or an exported model
                returns them, heatmap cells.
            samples: What is known of the B images.
            score_thr: Threshold for this call instead of the configured one.
        """
        threshold = self.score_thr if score_thr is None else score_thr
        arrays = {name: _to_numpy(decoded[name]) for name in INPUT_NAMES}
        return [
            self._recover_image(
                {name: value[number] for name, value in arrays.items()}, sample, threshold
            )
            for number, sample in enumerate(samples)
        ]

    def _recover_image(
        self, arrays: dict[str, np.ndarray], sample: PoseDataSample, threshold: float
    ) -> list[ObjectPose]:
        is_finite = np.isfinite(arrays['bboxes']).all(axis=1)
        strong = np.flatnonzero((arrays['scores'][:, 0] > threshold) & is_finite)
        if len(strong) == 0:
            return []
        arrays = {name: value[strong] for name, value in arrays.items()}
        bboxes, displaced, peaks = self._map_to_image(arrays, sample)
        labels = arrays['clses'][:, 0].astype(np.int64)
        kept, scores = self._merge(bboxes, arrays['scores'][:, 0], labels, threshold)
        dims = arrays['obj_scale'].astype(np.float64)
        poses = self._find_poses(displaced[kept], peaks[kept], dims[kept], sample)
        return [
            ObjectPose(
                score=float(score),
                label=int(labels[index]),
                bbox_image=bboxes[index],
                corners_image=displaced[index],
                **pose,
            )
            for index, score, pose in zip(kept, scores, poses, strict=True)
        ]

    def _map_to_image(
        self, arrays: dict[str, np.ndarray], sample: PoseDataSample
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes (N, 4), displaced corners and peaks (N, 8, 2), image pixels."""
        image_from_heatmap = invert_affine(sample.input_from_image)
        image_from_heatmap[:, :2] *= self.stride
        names = ('bboxes', 'kps_displacement_mean', 'kps_heatmap_mean')
        cells = np.concatenate([arrays[name] for name in names], axis=1, dtype=np.float64)
        cells = cells.reshape(len(cells), -1, 2)
        points = apply_affine(image_from_heatmap, cells)
        points[(cells < MISSING_BELOW).any(axis=2)] = np.nan
        bboxes, displaced, peaks = np.split(points, [2, 2 + NUM_CORNERS], axis=1)
        return bboxes.reshape(-1, 4), displaced, peaks

    def _merge(
        self, bboxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Suppress duplicates within each category; return numbers and scores, best first."""
        parts = []
        for label in set(labels.tolist()):
            members = np.flatnonzero(labels == label)
            kept, lowered = suppress_softly(
                bboxes[members], scores[members], self.nms_sigma, threshold
            )
            parts.append((members[kept], lowered))
        numbers, lowered_scores = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(-lowered_scores, kind='stable')
        return numbers[order], lowered_scores[order]

    def _find_poses(
        self, displaced: np.ndarray, peaks: np.ndarray, dims: np.ndarray, sample: PoseDataSample
    ) -> list[dict[str, Any]]:
        """Return for each object the fields of `ObjectPose` that depend on the camera."""
        intrinsics, distortion = sample.intrinsics, sample.distortion
        if not self.use_pnp or intrinsics is None:
            return [{'dims': extents} for extents in dims]
        points = self.point_source.choose(displaced, peaks).reshape(-1, 2 * NUM_CORNERS, 2)
        if distortion is not None:
            points = undistort_points(points, intrinsics, distortion)
        fields: list[dict[str, Any]] = []
        for object_points, object_dims in zip(points, dims, strict=True):
            result, extents = self._solve(object_points, object_dims, intrinsics)
            if result.pose is None:
                fields.append({'dims': extents, 'failure': result.reason})
            elif distortion is None:
                fields.append({'dims': extents, **vars(result.pose)})
            else:
                corners = project_points(result.pose.keypoints_cv[1:], intrinsics, distortion)
                keypoints = np.concatenate([corners.mean(axis=0)[None], corners])
                changed = {'dims': extents, 'keypoints_image': keypoints}
                fields.append({**vars(result.pose), **changed})
        return fields

    def _solve(
        self, points: np.ndarray, dims: np.ndarray, intrinsics: np.ndarray
    ) -> tuple[PnPResult, np.ndarray]:
        """Return the pose, and the dimensions it was found with."""
        result = solve_cuboid_pnp(points, dims, intrinsics, self.solver)
        if self.dims_fit is None or result.pose is None:
            return result, dims
        fitted = self.dims_fit(points, dims, result.pose, intrinsics)
        corrected = solve_cuboid_pnp(points, fitted, intrinsics, self.solver)
        return (result, dims) if corrected.pose is None else (corrected, fitted)


INPUT_NAMES = (
    'bboxes',
    'scores',
    'clses',
    'obj_scale',
    'kps_displacement_mean',
    'kps_heatmap_mean',
)


def _to_numpy(values: Tensor | np.ndarray) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
