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

from cpose.codecs.corner_matching import match_corner_peaks
from cpose.codecs.heatmap import (
    draw_gaussians,
    gather_cells,
    gaussian_radius,
    suppress_non_peaks,
    top_cells,
)
from cpose.codecs.targets import PoseTargets, TargetArrays, stack_candidates
from cpose.errors import ConfigError, check_number
from cpose.registry import CODECS
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.pose_data_sample import PoseDataSample

DEFAULT_CORNERS = {'type': 'SubpixelCorners'}
DEFAULT_CENTER = {'type': 'BoxCenter'}
DEFAULT_DIMS = {'type': 'RelativeDims'}


@CODECS.register_module()
class CenterPoseCodec:
    """Encode annotated cuboids as targets and decode raw maps to detections.

    Args:
        stride: Input pixels per heatmap cell.
        num_classes: Number of centre heatmaps.
        max_objs: Objects per image that get targets, in the order of the annotation; None for all
            that the data set hands over.
        num_select: Detections per image, the best centre peaks.
        corner_rule: Config of the rule for corner positions and their supervision.
        center_rule: Config of the rule for the object's centre.
        dims_coder: Config of what the dimension branch predicts.

    Raises:
        ConfigError: If a number is below 1.
    """

    def __init__(
        self,
        stride: int = 4,
        num_classes: int = 1,
        max_objs: int | None = None,
        num_select: int = 100,
        corner_rule: Mapping[str, Any] = DEFAULT_CORNERS,
        center_rule: Mapping[str, Any] = DEFAULT_CENTER,
        dims_coder: Mapping[str, Any] = DEFAULT_DIMS,
    ) -> None:
        check_number('model.head.codec.num_select', num_select, least=1, is_whole=True)
        if max_objs is not None:
            check_number('model.head.codec.max_objs', max_objs, least=1, is_whole=True)
        self.stride = stride
        self.num_classes = num_classes
        self.max_objs = max_objs
        self.num_select = num_select
        self.corner_rule = CODECS.build(dict(corner_rule))
        self.center_rule = CODECS.build(dict(center_rule))
        self.dims_coder = CODECS.build(dict(dims_coder))

    def encode(
        self,
        samples: Sequence[PoseDataSample],
        device: torch.device | str = 'cpu',
        heatmap_hw: tuple[int, int] | None = None,
    ) -> PoseTargets:
        """Turn the candidates of a batch into indexed targets, see `pose_targets`.

        An object has no target if its clipped 2D box is empty, or if its centre and at least
        four of its corners lie outside the original image.

        Args:
            samples: The batch; all of one ``input_wh`` and with ``candidates``.
            device: Where the targets go.
            heatmap_hw: Height and width of the maps that the targets are for; None for those of
                ``input_wh``. Larger ones, of padded images, get no targets right and below.

        Returns:
            Dict of tensors with M = the most objects of an image, at most ``max_objs``.

        Raises:
            ConfigError: If an object is of a category without a heatmap.
            ValueError: If a sample has no candidates or sizes differ.
        """
        input_wh = np.array([side // self.stride for side in samples[0].input_wh])
        row_cells = input_wh[0] if heatmap_hw is None else heatmap_hw[1]
        stacked = stack_candidates(samples, self.max_objs, self.stride)
        self._check_labels(stacked.labels, samples)
        arrays = self._index_targets(stacked, input_wh, row_cells)
        return {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}

    def _check_labels(self, labels: np.ndarray, samples: Sequence[PoseDataSample]) -> None:
        largest = labels.max(axis=1)
        image = largest.argmax()
        if largest[image] >= self.num_classes:
            raise ConfigError(
                f'{samples[image].image_path} shows an object of category number {largest[image]}, '
                f'counted from 0, but there are {self.num_classes} centre heatmaps (config key '
                f'model.head.num_classes={self.num_classes}). Set it to the number of names in '
                'train_dataloader.dataset.metainfo.category.'
            )

    def _index_targets(
        self, batch: TargetArrays, input_wh: np.ndarray, row_cells: int
    ) -> dict[str, np.ndarray]:
        """Index the targets within the cells of the input, in maps with ``row_cells`` a row."""
        corners = np.clip(batch.corners, 0, input_wh - 1)
        boxes = np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)
        box_wh = boxes[..., 2:] - boxes[..., :2]
        center = self.center_rule.place(boxes, batch.centers)
        in_map = ((center >= 0) & (center < input_wh)).all(axis=-1)
        mask = batch.is_kept & (box_wh > 0).all(axis=-1) & in_map
        center_cell = np.floor(center) * mask[..., None]

        placed = self.corner_rule.place(batch.corners)
        inside = ((placed >= 0) & (placed < input_wh)).all(axis=-1)
        has_peak = mask[..., None] & self.corner_rule.has_heatmap(inside, batch.is_in_image)
        supervised = mask[..., None] & self.corner_rule.has_displacement(inside, batch.is_in_image)
        cell = np.where(has_peak[..., None], np.floor(placed), 0)
        displacement = np.where(supervised[..., None], placed - center_cell[..., None, :], 0)
        shape = (*mask.shape, 2 * NUM_CORNERS)
        floats = {
            'center_offset': np.where(mask[..., None], center - center_cell, 0),
            'box_size_wh': np.where(mask[..., None], box_wh, 0),
            'keypoint_displacement': displacement.reshape(shape),
            'keypoint_offset': np.where(has_peak[..., None], placed - cell, 0),
            'dims': np.where(mask[..., None], self.dims_coder.encode(batch.dims_metric), 0),
        }
        return {
            'labels': batch.labels,
            'object_mask': mask,
            'center_index': _flat_index(center_cell, row_cells),
            'keypoint_displacement_mask': np.repeat(supervised, 2, axis=-1),
            'keypoint_index': _flat_index(cell, row_cells),
            'keypoint_mask': has_peak,
            'radius': np.where(mask, gaussian_radius(box_wh[..., ::-1]), 0),
            **{name: value.astype(np.float32) for name, value in floats.items()},
        }

    def draw_heatmaps(
        self, targets: PoseTargets, heatmap_hw: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Draw the Gaussian peaks of all objects and corners, for every candidate row.

        Args:
            targets: As returned by `encode`.
            heatmap_hw: Height and width of the maps.

        Returns:
            Centre heatmaps (B, S, C, H, W) and corner heatmaps (B, S, K, H, W), 0 to 1.
        """
        mask, corner_mask = targets['object_mask'], targets['keypoint_mask']
        batch, rows, _ = mask.shape
        row_number = torch.arange(batch * rows, device=mask.device).view(batch, rows, 1)
        center_plane = row_number * self.num_classes + targets['labels'][:, None]
        centers = _draw(
            center_plane,
            targets['center_index'],
            targets['radius'],
            mask,
            (batch * rows * self.num_classes, *heatmap_hw),
        )
        corner_number = torch.arange(NUM_CORNERS, device=mask.device)
        corner_plane = row_number[..., None] * NUM_CORNERS + corner_number
        radius = targets['radius'][..., None].expand(corner_mask.shape)
        corners = _draw(
            corner_plane.expand(corner_mask.shape),
            targets['keypoint_index'],
            radius,
            corner_mask,
            (batch * rows * NUM_CORNERS, *heatmap_hw),
        )
        return (
            centers.view(batch, rows, self.num_classes, *heatmap_hw),
            corners.view(batch, rows, NUM_CORNERS, *heatmap_hw),
        )

    def decode(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Turn raw maps (logits, left unchanged) into the best detections, score descending.

        No value decides what is computed, so the same code is exported to ONNX.

        Args:
            maps: (B, channels, H, W) each: hm, wh, hps, reg, hm_hp, hp_offset, scale; with
                hps_uncertainty and scale_uncertainty also the standard deviations are returned.

        Returns:
            Heatmap cells, float32, in the order of the ONNX outputs: bboxes (B, T, 4) left, top,
            right, bottom; scores (B, T, 1); kps (B, T, 16) displaced corners, replaced by a
            matching heatmap peak; clses (B, T, 1); obj_scale (B, T, 3); kps_displacement_mean
            (B, T, 16); kps_heatmap_mean (B, T, 16), −10000 where there is no matching peak.
        """
        height, width = maps['hm'].shape[-2:]
        logits, flat = top_cells(suppress_non_peaks(maps['hm']).flatten(1), self.num_select)
        scores = logits.sigmoid()
        classes = flat // (height * width)
        index = flat - classes * (height * width)
        cell = torch.stack([index % width, index // width], dim=-1).float()

        center = cell + gather_cells(maps['reg'], index).float()
        half = gather_cells(maps['wh'], index).float() / 2
        bboxes = torch.cat([center - half, center + half], dim=-1)
        displacement = gather_cells(maps['hps'], index).float()
        displaced = displacement.unflatten(-1, (NUM_CORNERS, 2)) + cell[:, :, None]
        snapped, heatmap_mean = match_corner_peaks(
            maps['hm_hp'], maps['hp_offset'], displaced, bboxes, scores, self.num_select
        )
        decoded = {
            'bboxes': bboxes,
            'scores': scores[..., None],
            'kps': snapped.flatten(2),
            'clses': classes[..., None].float(),
            'obj_scale': self.dims_coder.decode(gather_cells(maps['scale'], index).float()),
            'kps_displacement_mean': displaced.flatten(2),
            'kps_heatmap_mean': heatmap_mean.flatten(2),
        }
        for branch, name in STD_OUTPUTS.items():
            if branch in maps:
                decoded[name] = (gather_cells(maps[branch], index).float() / 2).exp()
        return decoded


STD_OUTPUTS = {'hps_uncertainty': 'kps_displacement_std', 'scale_uncertainty': 'obj_scale_std'}
"""Branch of log variances to the decoded standard deviation, heatmap cells and relative units."""


def _flat_index(cell_xy: np.ndarray, width: int) -> np.ndarray:
    whole = cell_xy.astype(np.int64)
    return whole[..., 1] * width + whole[..., 0]


def _draw(
    plane: Tensor, index: Tensor, radius: Tensor, mask: Tensor, shape: tuple[int, int, int]
) -> Tensor:
    width = shape[-1]
    flat = index[mask]
    cell_xy = torch.stack([flat % width, flat // width], dim=-1)
    maps = torch.zeros(shape, device=mask.device)
    return draw_gaussians(maps, plane[mask], cell_xy, radius[mask])
