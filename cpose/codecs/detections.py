"""The best centre peaks of a batch, and what the raw maps say there.

No value decides what is computed, so the same code is exported to ONNX. Letters: B batch,
T detections, K = 8 corners.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from cpose.codecs.corner_matching import match_corner_peaks
from cpose.codecs.heatmap import gather_cells, suppress_non_peaks, top_cells
from cpose.structures.cuboid import NUM_CORNERS


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
