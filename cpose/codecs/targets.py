"""Targets of a batch: candidates in padded arrays, and what is expected at which cell.

Targets are a dict of tensors, one set for every symmetric candidate: those of the codec, and those
that each branch adds. Letters: B batch, S symmetric candidates, M objects, K = 8 corners. Units are
heatmap cells unless said otherwise.

========================== ================ =============================================
key                        shape            meaning
========================== ================ =============================================
labels                     (B, M) int64     category number
object_mask                (B, S, M) bool   whether there is an object
center_index               (B, S, M) int64  row * W + column of the centre's cell
center_offset              (B, S, M, 2)     centre minus its cell
box_size_wh                (B, S, M, 2)     2D box
keypoint_displacement      (B, S, M, 2K)    corner minus the centre's cell: x1, y1, x2, ...
keypoint_displacement_mask (B, S, M, 2K)    bool
keypoint_index             (B, S, M, K)     int64, cell of each corner
keypoint_offset            (B, S, M, K, 2)  corner minus its cell
keypoint_mask              (B, S, M, K)     bool, whether a corner has a peak
dims                       (B, S, M, 3)     target of the dimension branch
radius                     (B, S, M) int64  Gaussian radius
========================== ================ =============================================
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.pose_data_sample import PoseDataSample

MIN_VISIBLE_CORNERS = 5


@dataclass(frozen=True)
class TargetArrays:
    """Padded candidates of a batch, positions in heatmap cells.

    Attributes:
        labels: (B, M) int64.
        corners: (B, S, M, K, 2) float64.
        centers: (B, 1, M, 2) float64, projected cuboid centres.
        is_in_image: (B, S, M, K) bool, corner inside the original image.
        is_kept: (B, S, M) bool, a real candidate of an object seen well enough.
        dims_metric: (B, S, M, 3) float64.
    """

    labels: np.ndarray
    corners: np.ndarray
    centers: np.ndarray
    is_in_image: np.ndarray
    is_kept: np.ndarray
    dims_metric: np.ndarray


def stack_candidates(samples: Sequence[PoseDataSample], stride: int) -> TargetArrays:
    """Pad the candidates of all samples to one shape; a rejected object keeps its slot.

    Args:
        samples: The batch, each with ``candidates``.
        stride: Input pixels per heatmap cell.

    Raises:
        ValueError: If a sample has no candidates or sizes differ.
    """
    records = []
    for sample in samples:
        if sample.candidates is None:
            raise ValueError(
                f'{sample.image_path} carries no candidates. '
                'Put ExpandSymmetries into the pipeline of the training set.'
            )
        if sample.input_wh != samples[0].input_wh:
            raise ValueError(
                f'{sample.image_path} has input_wh={sample.input_wh}, the batch '
                f'{samples[0].input_wh}. All inputs of a batch need one size.'
            )
        records.append(sample.candidates)
    objects = max(1, *(len(record) for record in records))
    rows = max(record.is_candidate.shape[1] for record in records)
    lead = (len(records), rows, objects)
    batch = TargetArrays(
        labels=np.zeros((len(records), objects), dtype=np.int64),
        corners=np.zeros((*lead, NUM_CORNERS, 2)),
        centers=np.zeros((len(records), 1, objects, 2)),
        is_in_image=np.zeros((*lead, NUM_CORNERS), dtype=bool),
        is_kept=np.zeros(lead, dtype=bool),
        dims_metric=np.ones((*lead, 3)),
    )
    for i, record in enumerate(records):
        n, s = record.is_candidate.shape
        in_image = record.is_corner_in_image
        is_seen = record.is_center_in_image[:, None] | (
            in_image.sum(axis=-1) >= MIN_VISIBLE_CORNERS
        )
        batch.labels[i, :n] = record.labels
        batch.corners[i, :s, :n] = record.corners_input.swapaxes(0, 1) / stride
        batch.centers[i, 0, :n] = record.centers_input / stride
        batch.is_in_image[i, :s, :n] = in_image.swapaxes(0, 1)
        batch.is_kept[i, :s, :n] = (record.is_candidate & is_seen).T
        batch.dims_metric[i, :s, :n] = record.dims_metric.swapaxes(0, 1)
    return batch


@dataclass(frozen=True)
class TargetGeometry:
    """Where the objects of a batch are: what branches make their targets of. Heatmap cells.

    Attributes:
        samples: The B samples.
        stride: Input pixels per heatmap cell.
        mask: (B, S, M) bool, whether there is an object to train on.
        center: (B, S, M, 2).
        center_cell: (B, S, M, 2) whole cell of the centre, 0 without an object.
        box_wh: (B, S, M, 2).
        corners: (B, S, M, K, 2).
        corner_cell: (B, S, M, K, 2) whole cell of each corner with a peak, else 0.
        has_displacement: (B, S, M, K) bool.
        has_peak: (B, S, M, K) bool.
        dims_metric: (B, S, M, 3), metres.
    """

    samples: Sequence[PoseDataSample]
    stride: int
    mask: np.ndarray
    center: np.ndarray
    center_cell: np.ndarray
    box_wh: np.ndarray
    corners: np.ndarray
    corner_cell: np.ndarray
    has_displacement: np.ndarray
    has_peak: np.ndarray
    dims_metric: np.ndarray

    def annotated(self, name: str, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Return a further annotated quantity, (B, M, *shape), NaN where it is not annotated.

        Args:
            name: Key of `CuboidAnnotations.extras`.
            shape: Of one object.

        Raises:
            DataError: If an annotation has another shape.
        """
        values = np.full((self.mask.shape[0], self.mask.shape[2], *shape), np.nan)
        for row, sample in zip(values, self.samples, strict=True):
            if sample.annotations is not None and name in sample.annotations.extras:
                given = sample.annotations.extras[name][: len(row)]
                if given.shape[1:] != shape:
                    raise DataError(
                        f'is annotated with a {name} of shape {given.shape[1:]} for each object, '
                        f'expected {shape}',
                        place=FilePlace(sample.image_path),
                        advice='Correct the annotation',
                    )
                row[: len(given)] = given
        return values

    @property
    def previous_centers(self) -> np.ndarray:
        """Return where the centres were drawn in the frame before, (B, M, 2), NaN if not."""
        return self._previous('centers_input', (2,))

    @property
    def previous_corners(self) -> np.ndarray:
        """Return where the corners were drawn in the frame before, (B, M, K, 2), NaN if not."""
        return self._previous('corners_input', (NUM_CORNERS, 2))

    def _previous(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        values = np.full((self.mask.shape[0], self.mask.shape[2], *shape), np.nan)
        for row, sample in zip(values, self.samples, strict=True):
            given = getattr(sample.previous, name, None)
            if given is not None:
                row[: len(given)] = given / self.stride
        return values

    @property
    def input_from_image(self) -> np.ndarray:
        """Return (B, 2, 3) affines from original pixels to input pixels, flips included."""
        return np.stack([sample.input_from_image for sample in self.samples])


PoseTargets = dict[str, Tensor]


def select_candidates(targets: PoseTargets, rows: Tensor) -> PoseTargets:
    """Keep one symmetric candidate per object.

    Args:
        targets: As above, any S.
        rows: (B, M) int64, the candidate of each object.

    Returns:
        Targets with S = 1.
    """
    batch, objects = rows.shape
    chosen = {'labels': targets['labels']}
    for name, value in targets.items():
        if name != 'labels':
            index = rows.view(batch, 1, objects, *[1] * (value.ndim - 3))
            chosen[name] = torch.take_along_dim(value, index, dim=1)
    return chosen
