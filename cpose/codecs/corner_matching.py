"""Find the heatmap peak that belongs to a displaced corner.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image", section III-B; thresholds as in TAO PyTorch 6.25.10. Deviation: there the seven conditions
of `kps_heatmap_mean` are added as booleans, so that it is never filled.
"""

import torch
from torch import Tensor

from cpose.codecs.heatmap import gather_cells, suppress_non_peaks, top_cells

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
