"""The best centre peaks of a batch, and what the raw maps say there.

No value decides what is computed, so the same code is exported to ONNX. Letters: B batch,
T detections, K = 8 corners.
"""

from collections.abc import Mapping
from functools import cached_property

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
