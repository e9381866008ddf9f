"""From decoded detections in heatmap cells to poses in the original image.

Letters: B batch, T detections, N detections above the threshold, M after suppression, K = 8
corners.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cpose.building import building_part, with_wiring
from cpose.codecs.base import Branch
from cpose.codecs.branches import build_branches
from cpose.codecs.detection_checks import check_detections
from cpose.codecs.detections import suppress_softly
from cpose.errors import ConfigError, check_number
from cpose.geometry.affine import apply_affine, invert_affine
from cpose.geometry.cuboid_pose import KEYPOINTS_STD
from cpose.geometry.pnp import MISSING_BELOW, PnPResult, refuse_misfit, solve_cuboid_pnp
from cpose.geometry.projection import undistort_points
from cpose.registry import CODECS
from cpose.shipped_configs import fill_up, shipped_head
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.object_pose import ObjectPose
from cpose.structures.pose_data_sample import PoseDataSample


@CODECS.register_module()
class PosePostprocessor:
    """Threshold, map to image pixels, merge duplicates and find the poses.

    Args:
        eval_score_thr: Score that objects must exceed in evaluation; also where suppression drops
            them.
        infer_score_thr: The same in inference.
        nms_sigma: Width of the Gaussian of the soft non-maximum suppression.
        use_pnp: Whether to look for 6-DoF poses where the intrinsics are known.
        point_source: Config of the choice of the points that go to PnP.
        solver: Config of the PnP solver.
        dims_refiner: Config of what corrects the predicted dimensions once a pose is known; None
            leaves them as they are.
        max_relative_error: Largest RMS distance of the points that go to PnP from the corners of
            the pose, in RMS distances of the points from their mean; above it there is no pose.
        stride: Input pixels per heatmap cell, filled in.
        branches: The branches of the head, filled in.

    Raises:
        ConfigError: If a number is out of range, or the solver weighs points by standard deviations
            that no branch predicts.
    """

    def __init__(
        self,
        eval_score_thr: float,
        infer_score_thr: float,
        nms_sigma: float,
        use_pnp: bool,
        point_source: Mapping[str, Any],
        solver: Mapping[str, Any],
        dims_refiner: Mapping[str, Any] | None,
        max_relative_error: float,
        stride: int = 4,
        branches: Sequence[Branch] = (),
    ) -> None:
        check_number('eval_score_thr', eval_score_thr, least=0, most=1)
        check_number('infer_score_thr', infer_score_thr, least=0, most=1)
        check_number('nms_sigma', nms_sigma, above=0)
        check_number('max_relative_error', max_relative_error, above=0)
        self.eval_score_thr = eval_score_thr
        self.infer_score_thr = infer_score_thr
        self.nms_sigma = nms_sigma
        self.max_relative_error = max_relative_error
        self.use_pnp = use_pnp
        self.stride = stride
        self.point_source = CODECS.build(dict(point_source))
        self.solver = CODECS.build(dict(solver))
        self.dims_refiner = CODECS.build(dict(dims_refiner)) if dims_refiner else None
        self.branches = tuple(branches)
        told = [getattr(part, 'num_classes', None) for part in branches if 'clses' in part.outputs]
        self._num_classes = told[0] if told else None
        self._further = [branch for branch in self.branches if branch.extras]
        self._uses_std = bool(getattr(self.solver, 'needs_std', False))
        if self._uses_std and not any(KEYPOINTS_STD in branch.extras for branch in self._further):
            raise ConfigError(
                'weighs points by their standard deviations, which no branch predicts',
                argument='solver.type',
                value=type(self.solver).__name__,
                advice=('Train the branch hps with KLDUncertaintyLoss', 'Take another solver'),
            )

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
            score_thr: Threshold for this call instead of the one of evaluation.

        Raises:
            CheckpointError: If these are no detections, see `check_detections`.
        """
        threshold = self.eval_score_thr if score_thr is None else score_thr
        further = {
            name: output.size
            for branch in self._further
            for name, output in branch.outputs.items()
            if name in decoded
        }
        widths = {**INPUT_WIDTHS, **further}
        arrays = {name: _to_numpy(decoded[name]) for name in widths if name in decoded}
        check_detections(arrays, widths, self._num_classes, len(samples))
        return [
            self._process_image(
                {name: value[number] for name, value in arrays.items()}, sample, threshold
            )
            for number, sample in enumerate(samples)
        ]

    def _process_image(
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
        extras = self._extras({name: value[kept] for name, value in arrays.items()}, sample)
        points = self.point_source.choose(displaced[kept], peaks[kept])
        poses = self._find_poses(points, dims[kept], self._point_std(extras), sample)
        return [
            ObjectPose(
                score=float(score),
                label=int(labels[index]),
                bbox_image=bboxes[index],
                corners_image=displaced[index],
                extras={name: value[number] for name, value in extras.items()},
                **pose,
            )
            for number, (index, score, pose) in enumerate(zip(kept, scores, poses, strict=True))
        ]

    def _extras(
        self, arrays: Mapping[str, np.ndarray], sample: PoseDataSample
    ) -> dict[str, np.ndarray]:
        """Return what further branches found, (N, ...) each; model files may lack their outputs."""
        extras: dict[str, np.ndarray] = {}
        for branch in self._further:
            if all(name in arrays for name in branch.outputs):
                own = {name: arrays[name] for name in branch.outputs}
                extras.update(branch.to_extras(own, self._image_from_heatmap(sample)))
        return extras

    def _image_from_heatmap(self, sample: PoseDataSample) -> np.ndarray:
        affine = invert_affine(sample.input_from_image)
        affine[:, :2] *= self.stride
        return affine

    def _map_to_image(
        self, arrays: dict[str, np.ndarray], sample: PoseDataSample
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes (N, 4), displaced corners and peaks (N, 8, 2), image pixels."""
        names = ('bboxes', 'kps_displacement_mean', 'kps_heatmap_mean')
        cells = np.concatenate([arrays[name] for name in names], axis=1, dtype=np.float64)
        cells = cells.reshape(len(cells), -1, 2)
        points = apply_affine(self._image_from_heatmap(sample), cells)
        bboxes, displaced, peaks = np.split(points, [2, 2 + NUM_CORNERS], axis=1)
        corners = points[:, 2:]
        corners[np.any(cells[:, 2:] < MISSING_BELOW, axis=2)] = np.nan
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

    def _point_std(self, extras: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return (N, 16, 2) pixels for a solver that weighs by it: one for both points of a corner.

        Raises:
            ConfigError: If a model file does not give it.
        """
        if not self._uses_std:
            return None
        if KEYPOINTS_STD not in extras:
            raise ConfigError(
                'weighs points by their standard deviations, which the model file does not give',
                argument='solver.type',
                value=type(self.solver).__name__,
                advice=('Export the model again', 'Take another solver'),
            )
        return np.repeat(extras[KEYPOINTS_STD], 2, axis=1)

    def _find_poses(
        self,
        points: np.ndarray,
        dims: np.ndarray,
        points_std: np.ndarray | None,
        sample: PoseDataSample,
    ) -> list[dict[str, Any]]:
        """Return for each object the fields of `ObjectPose` that depend on the camera.

        Args:
            points: (N, 8, 2, 2), two estimates of each corner, image pixels.
            dims: (N, 3) predicted extents.
            points_std: (N, 16, 2) pixels, or None for points of equal weight.
            sample: What is known of the image.
        """
        if not self.use_pnp or sample.intrinsics is None:
            return [{'dims': extents} for extents in dims]
        lens = {'intrinsics': sample.intrinsics, 'distortion': sample.distortion}
        fields: list[dict[str, Any]] = []
        stds = [None] * len(points) if points_std is None else points_std
        for object_points, object_dims, std in zip(points, dims, stds, strict=True):
            given = {'points_image': object_points.reshape(-1, 2), 'points_std': std, **lens}
            result, extents = self._solve(given, object_dims)
            pose = {'failure': result.reason} if result.pose is None else vars(result.pose)
            fields.append({'dims': extents, **pose})
        return fields

    def _solve(self, given: Mapping[str, Any], dims: np.ndarray) -> tuple[PnPResult, np.ndarray]:
        """Return the pose, and the dimensions it was found with.

        Args:
            given: Arguments of `solve_cuboid_pnp`: the points and what is known of the lens.
            dims: (3,) predicted extents.
        """
        solve = partial(solve_cuboid_pnp, **given, solver=self.solver, max_relative_error=np.inf)
        result = solve(dims=dims)
        if self.dims_refiner is not None and result.pose is not None:
            straight = _undistort(given)
            refined = self.dims_refiner(straight, dims, result.pose, given['intrinsics'])
            if refined is not dims:
                corrected = refuse_misfit(solve(dims=refined), self.max_relative_error)
                if corrected.pose is not None:
                    return corrected, refined
        return refuse_misfit(result, self.max_relative_error), dims


def build_postprocessor(head: Mapping[str, Any], **wiring: Any) -> Any:
    """Build the postprocessor of a head without its network.

    Args:
        head: Config of the head, of which branches and postprocessor are read; those that it
            leaves out are the shipped ones.
        **wiring: ``stride``, where it is known.

    Raises:
        ConfigError: If the config does not fit.
    """
    whole = fill_up(shipped_head(), head)
    with building_part(whole):
        wiring['branches'] = build_branches(whole['branches'], whole['num_classes'])
        return CODECS.build(with_wiring('postprocessor', whole['postprocessor'], **wiring))


INPUT_WIDTHS = {
    'bboxes': 4,
    'scores': 1,
    'clses': 1,
    'obj_scale': 3,
    'kps_displacement_mean': 2 * NUM_CORNERS,
    'kps_heatmap_mean': 2 * NUM_CORNERS,
}
"""Outputs that every pose is made of, and the lengths of their rows."""


def _undistort(given: Mapping[str, Any]) -> np.ndarray:
    points: np.ndarray = given['points_image']
    distortion = given['distortion']
    return (
        points if distortion is None else undistort_points(points, given['intrinsics'], distortion)
    )


def _to_numpy(values: Tensor | np.ndarray) -> np.ndarray:
    if not isinstance(values, Tensor):
        return np.asarray(values)
    values = values.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
