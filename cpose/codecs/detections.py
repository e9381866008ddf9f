"""The best centre peaks of a batch, the corners that belong to them, and what raw maps say there.

No value decides what is computed, so the same code is exported to ONNX. Letters: B batch,
T detections, K = 8 corners.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from cpose.codecs.heatmap import gather_cells, suppress_non_peaks, top_cells
from cpose.structures.cuboid import NUM_CORNERS

MISSING = -10000.0
"""Coordinate of a corner without a matching peak."""

MIN_PEAK_SCORE = 0.1
MIN_DETECTION_SCORE = 0.1
SNAP_DISTANCE = 0.3
"""Largest distance for replacing a displaced corner, in longer box sides."""
MEAN_DISTANCE = 0.5
"""Largest distance for a heatmap corner, in longer box sides."""
BOX_MARGIN = 0.2
"""How far outside the box a heatmap corner may be, as a part of its edges' coordinates."""


class Detections:
    """What branches decode from. Unit: heatmap cells.

    Args:
        maps: (B, channels, H, W) raw maps by branch, left unchanged.
        num_select: T.

    Attributes:
        scores: (B, T), descending.
        classes: (B, T) int64.
        index: (B, T) int64, row * W + column of the centre's cell.
        cell: (B, T, 2) column and row of it.
    """

    def __init__(self, maps: Mapping[str, Tensor], num_select: int) -> None:
        height, width = maps['hm'].shape[-2:]
        logits, flat = top_cells(suppress_non_peaks(maps['hm']).flatten(1), num_select)
        self._maps = maps
        self._num_select = num_select
        self.scores = logits.sigmoid()
        self.classes = flat // (height * width)
        self.index = flat - self.classes * (height * width)
        self.cell = torch.stack([self.index % width, self.index // width], dim=-1).float()

    def read(self, branch: str) -> Tensor:
        """Return the raw values of a branch at the centres, (B, T, channels) float32."""
        return gather_cells(self._maps[branch], self.index).float()

    @cached_property
    def bboxes(self) -> Tensor:
        """Return (B, T, 4) left, top, right, bottom."""
        center = self.cell + self.read('reg')
        half = self.read('wh') / 2
        return torch.cat([center - half, center + half], dim=-1)

    @cached_property
    def displaced(self) -> Tensor:
        """Return (B, T, K, 2), the centre's cell plus the displacement of each corner."""
        return self.read('hps').unflatten(-1, (NUM_CORNERS, 2)) + self.cell[:, :, None]

    @cached_property
    def matched(self) -> tuple[Tensor, Tensor]:
        """Return snapped and heatmap corners, see `match_corner_peaks`."""
        return match_corner_peaks(
            self._maps['hm_hp'],
            self._maps['hp_offset'],
            self.displaced,
            self.bboxes,
            self.scores,
            self._num_select,
        )


def match_corner_peaks(
    corner_logits: Tensor,
    corner_offset: Tensor,
    displaced: Tensor,
    bboxes: Tensor,
    scores: Tensor,
    num_peaks: int,
) -> tuple[Tensor, Tensor]:
    """Match each displaced corner with the nearest peak of its heatmap.

    Letters: B batch, T detections, K corners, P peaks, H W the maps. Unit: heatmap cells.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an
    RGB Image", section III-B; thresholds as in TAO PyTorch 6.25.10.
    Deviation: there the seven conditions of `kps_heatmap_mean` are added as booleans, so that it
    is never filled.

    Args:
        corner_logits: (B, K, H, W) corner heatmaps before the sigmoid.
        corner_offset: (B, 2, H, W) sub-cell rest of the peaks.
        displaced: (B, T, K, 2) centre cell plus displacement.
        bboxes: (B, T, 4) left, top, right, bottom.
        scores: (B, T).
        num_peaks: Peaks per corner heatmap, the best ones.

    Returns:
        Corners (B, T, K, 2) snapped to a peak inside the box, else as displaced; and heatmap
        corners (B, T, K, 2), `MISSING` where no peak fulfils the conditions.
    """
    peaks, peak_scores = _find_peaks(corner_logits, corner_offset, num_peaks)
    corners = displaced.transpose(1, 2)
    squared, nearest = _squared_distances(corners, peaks).min(dim=-1)
    distance = squared.sqrt()
    position = peaks.gather(2, nearest[..., None].expand_as(corners))
    score = peak_scores.gather(2, nearest)

    low, high = bboxes[:, None, :, :2], bboxes[:, None, :, 2:]
    side = (high - low).amax(dim=-1)
    in_box = ((position >= low) & (position <= high)).all(dim=-1)
    is_snapped = in_box & (score >= MIN_PEAK_SCORE) & (distance <= SNAP_DISTANCE * side)
    near_box = ((position > low * (1 - BOX_MARGIN)) & (position < high * (1 + BOX_MARGIN))).all(
        dim=-1
    )
    is_found = (
        near_box
        & (score > MIN_PEAK_SCORE)
        & (distance < MEAN_DISTANCE * side)
        & (scores[:, None] > MIN_DETECTION_SCORE)
    )
    snapped = torch.where(is_snapped[..., None], position, corners)
    found = torch.where(is_found[..., None], position, MISSING)
    return snapped.transpose(1, 2), found.transpose(1, 2)


def _find_peaks(
    corner_logits: Tensor, corner_offset: Tensor, num_peaks: int
) -> tuple[Tensor, Tensor]:
    """Return positions (B, K, P, 2) and scores (B, K, P); weak peaks are moved far away."""
    width = corner_logits.shape[-1]
    logits, index = top_cells(suppress_non_peaks(corner_logits).flatten(2), num_peaks)
    scores = logits.sigmoid()
    cell = torch.stack([index % width, index // width], dim=-1).float()
    position = cell + gather_cells(corner_offset, index).float()
    is_strong = scores > MIN_PEAK_SCORE
    return (
        torch.where(is_strong[..., None], position, MISSING),
        torch.where(is_strong, scores, -1.0),
    )


def _squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return (..., T, P) for (..., T, 2) and (..., P, 2); reducing an axis of 2 would be slow."""
    dx = first[..., 0, None] - second[..., None, :, 0]
    dy = first[..., 1, None] - second[..., None, :, 1]
    return dx.square_().addcmul_(dy, dy)


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
    weights = np.exp(-np.square(box_iou(np.asarray(bboxes, dtype=np.float64))) / sigma)
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


def box_iou(bboxes: np.ndarray) -> np.ndarray:
    """Return the IoU (N, N) of boxes (N, 4), whose sides are counted with + 1."""
    low, high = bboxes[:, :2], bboxes[:, 2:]
    area = (high - low + 1).clip(min=1e-6).prod(axis=1)
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low) + 1
    shared = overlap.clip(min=0).prod(axis=2)
    return shared / (area[:, None] + area - shared)
