"""The only place that knows how cuboids become maps and maps become cuboids.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image" (ICRA 2022), section III and figure 2. Letters: B batch, S symmetric candidates, M objects,
K = 8 corners, T detections, H W the maps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cpose.codecs.base import Branch, Output
from cpose.codecs.branches import build_branches
from cpose.codecs.detections import Detections
from cpose.codecs.heatmap import gaussian_radius
from cpose.codecs.targets import PoseTargets, TargetArrays, TargetGeometry, stack_candidates
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, check_number
from cpose.registry import CODECS
from cpose.shipped_configs import shipped_head
from cpose.structures.pose_data_sample import PoseDataSample

CONTRACT = (
    *('bboxes', 'scores', 'kps', 'clses', 'obj_scale'),
    *('kps_displacement_mean', 'kps_heatmap_mean'),
)
"""Outputs that programs outside read, in their order; those of further branches follow."""

CORE_BRANCHES = ('hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'scale')
"""Raw maps that these are made of."""


@CODECS.register_module()
class CenterPoseCodec:
    """Encode annotated cuboids as targets and decode raw maps to detections.

    Without a branch or a rule it takes those of the shipped configs.

    Args:
        stride: Input pixels per heatmap cell, filled in by the head.
        num_classes: Number of centre heatmaps, filled in by the head.
        branches: The branches of the head, filled in by it; or their configs by name.
        num_select: Detections per image, the best centre peaks.
        corner_rule: Config of the rule for corner positions and their supervision.
        center_rule: Config of the rule for the object's centre.

    Raises:
        ConfigError: If a number is below 1, or a branch that every detection needs is missing.
    """

    def __init__(
        self,
        stride: int = 4,
        num_classes: int = 1,
        branches: Sequence[Branch] | Mapping[str, Any] | None = None,
        num_select: int | None = None,
        corner_rule: Mapping[str, Any] | None = None,
        center_rule: Mapping[str, Any] | None = None,
    ) -> None:
        shipped = shipped_head()
        given = shipped['branches'] if branches is None else branches
        if isinstance(given, Mapping):
            given = build_branches(given, num_classes)
        _check_core(given)
        self.branches: tuple[Branch, ...] = tuple(given)
        self.stride = stride
        self.num_classes = num_classes
        self.num_select = shipped['codec']['num_select'] if num_select is None else num_select
        check_number('num_select', self.num_select, least=1, is_whole=True)
        self.corner_rule = CODECS.build(dict(corner_rule or shipped['codec']['corner_rule']))
        self.center_rule = CODECS.build(dict(center_rule or shipped['codec']['center_rule']))

    @property
    def outputs(self) -> dict[str, Output]:
        """Return what `decode` gives by name, in the order of exported models."""
        found = {name: out for branch in self.branches for name, out in branch.outputs.items()}
        return _contract_first(found)

    def encode(
        self,
        samples: Sequence[PoseDataSample],
        device: torch.device | str = 'cpu',
        heatmap_hw: tuple[int, int] | None = None,
    ) -> PoseTargets:
        """Turn the candidates of a batch into indexed targets, see `cpose.codecs.targets`.

        An object has no target if its clipped 2D box is empty, or if its centre and at least
        four of its corners lie outside the original image.

        Args:
            samples: The batch; all of one ``input_wh`` and with ``candidates``.
            device: Where the targets go.
            heatmap_hw: Height and width of the maps that the targets are for; None for those of
                ``input_wh``. Larger ones, of padded images, get no targets right and below.

        Returns:
            Dict of tensors with M = the most objects of an image.

        Raises:
            ConfigError: If an object is of a category without a heatmap.
            ValueError: If a sample has no candidates or sizes differ.
        """
        input_wh = np.array([side // self.stride for side in samples[0].input_wh])
        row_cells = input_wh[0] if heatmap_hw is None else heatmap_hw[1]
        stacked = stack_candidates(samples, self.stride)
        self._check_labels(stacked.labels, samples)
        geometry = self._place(stacked, samples, input_wh)
        arrays = {'labels': stacked.labels, **_shared_targets(geometry, row_cells)}
        for branch in self.branches:
            arrays.update(branch.encode(geometry))
        return {name: _to_tensor(value).to(device) for name, value in arrays.items()}

    def _check_labels(self, labels: np.ndarray, samples: Sequence[PoseDataSample]) -> None:
        largest = labels.max(axis=1)
        image = largest.argmax()
        if largest[image] >= self.num_classes:
            raise ConfigError(
                f'shows an object of category number {largest[image]}, counted from 0, but the '
                f'head has {self.num_classes} centre heatmaps',
                place=FilePlace(samples[image].image_path),
                advice='Set num_classes of the head to the number of names in metainfo.category '
                'of the data',
            )

    def _place(
        self, batch: TargetArrays, samples: Sequence[PoseDataSample], input_wh: np.ndarray
    ) -> TargetGeometry:
        """Apply the rules to candidates within the cells of the input."""
        corners = np.clip(batch.corners, 0, input_wh - 1)
        boxes = np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)
        box_wh = boxes[..., 2:] - boxes[..., :2]
        center = self.center_rule.place(boxes, batch.centers)
        in_map = ((center >= 0) & (center < input_wh)).all(axis=-1)
        mask = batch.is_kept & (box_wh > 0).all(axis=-1) & in_map
        placed = self.corner_rule.place(batch.corners)
        inside = ((placed >= 0) & (placed < input_wh)).all(axis=-1)
        has_peak = mask[..., None] & self.corner_rule.has_heatmap(inside, batch.is_in_image)
        is_shown = self.corner_rule.has_displacement(inside, batch.is_in_image)
        return TargetGeometry(
            samples=samples,
            stride=self.stride,
            mask=mask,
            center=center,
            center_cell=np.floor(center) * mask[..., None],
            box_wh=box_wh,
            corners=placed,
            corner_cell=np.where(has_peak[..., None], np.floor(placed), 0),
            has_displacement=mask[..., None] & is_shown,
            has_peak=has_peak,
            dims_metric=batch.dims_metric,
        )

    def draw_heatmaps(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> dict[str, Tensor]:
        """Draw the peaks of every branch that is read everywhere, for every candidate row.

        Args:
            targets: As returned by `encode`.
            heatmap_hw: Height and width of the maps.

        Returns:
            (B, S, channels, H, W) by branch, 0 to 1: ``hm`` centres, ``hm_hp`` corners.
        """
        return {
            branch.name: branch.draw(targets, heatmap_hw)
            for branch in self.branches
            if branch.read_at == 'map'
        }

    def decode(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Turn raw maps (logits, left unchanged) into the best detections, score descending.

        No value decides what is computed, so the same code is exported to ONNX.

        Args:
            maps: (B, channels, H, W) by branch; those of `CORE_BRANCHES` are needed, a further
                branch whose map is not there has no outputs.

        Returns:
            `outputs`, float32: bboxes (B, T, 4) left, top, right, bottom; scores (B, T, 1); kps
            (B, T, 16) displaced corners, replaced by a matching heatmap peak; clses (B, T, 1);
            obj_scale (B, T, 3); kps_displacement_mean (B, T, 16); kps_heatmap_mean (B, T, 16),
            −10000 where there is no matching peak; then those of further branches. Boxes and
            points are in heatmap cells.
        """
        detections = Detections(maps, self.num_select)
        decoded: dict[str, Tensor] = {}
        for branch in self.branches:
            if branch.name in maps:
                decoded.update(branch.decode(detections))
        return _contract_first(decoded)


def _check_core(branches: Sequence[Branch]) -> None:
    names = {branch.name for branch in branches}
    missing = [name for name in CORE_BRANCHES if name not in names]
    if missing:
        raise ConfigError(
            'is missing, and every detection needs it',
            argument=f'branches.{missing[0]}',
            advice='Inherit _base_/models/centerpose_head.py, and switch off its training with '
            'loss=None',
        )


def _shared_targets(geometry: TargetGeometry, row_cells: int) -> dict[str, np.ndarray]:
    """Return where the objects and corners are, in maps with ``row_cells`` a row."""
    radius = gaussian_radius(geometry.box_wh[..., ::-1])
    return {
        'object_mask': geometry.mask,
        'center_index': _flat_index(geometry.center_cell, row_cells),
        'keypoint_index': _flat_index(geometry.corner_cell, row_cells),
        'keypoint_mask': geometry.has_peak,
        'radius': np.where(geometry.mask, radius, 0),
    }


def _flat_index(cell_xy: np.ndarray, width: int) -> np.ndarray:
    whole = cell_xy.astype(np.int64)
    return whole[..., 1] * width + whole[..., 0]


def _to_tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32) if values.dtype.kind == 'f' else values)


def _contract_first(values: dict[str, Any]) -> dict[str, Any]:
    first = {name: values[name] for name in CONTRACT if name in values}
    return {**first, **values}
