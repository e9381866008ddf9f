"""Gaussian heatmaps: radius, drawing, peaks.

Letters: P points, H W the map at hand.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

MIN_OVERLAP = 0.7

SUPPRESSED = -1e4
"""What a cell beside a larger one gets added to its logit: its probability is 0, and half
precision still holds the number."""

GROUP_CELLS = 8
"""Cells that `top_cells` looks at together."""


def gaussian_radius(box_hw: np.ndarray, min_overlap: float = MIN_OVERLAP) -> np.ndarray:
    """Return how far both corners of a box may move with the IoU still at ``min_overlap``.

    Source: Law and Deng, "CornerNet", section 3.2, with the three quadratic roots as in the
    released CenterNet code (which divides by 2, not by 2a); TAO PyTorch 6.25.10 keeps them.

    Args:
        box_hw: (..., 2) height and width, heatmap cells, rounded up inside.
        min_overlap: Smallest IoU, between 0 and 1.

    Returns:
        (...) whole number of cells as int64, at least 0.
    """
    height, width = np.moveaxis(np.ceil(np.asarray(box_hw, dtype=np.float64)), -1, 0)
    area, total = height * width, height + width
    rest = 1 - min_overlap
    outer = (total + np.sqrt(total**2 - 4 * area * rest / (1 + min_overlap))) / 2
    inner = total + np.sqrt(total**2 - 4 * rest * area)
    shift = min_overlap * total
    both = -shift + np.sqrt(shift**2 + 4 * min_overlap * rest * area)
    return np.maximum(np.minimum(np.minimum(outer, inner), both), 0).astype(np.int64)


def draw_gaussians(
    maps: Tensor, plane: Tensor, cell_xy: Tensor, radius: Tensor, height: Tensor | None = None
) -> Tensor:
    """Draw Gaussian peaks into stacked maps, merging by maximum.

    sigma is (2 radius + 1) / 6 over a window of (2 radius + 1) squared. Source: Zhou et al.,
    "Objects as Points", section 3.

    Args:
        maps: (R, H, W) float32, written in place.
        plane: (P,) int64, which of the R maps a point belongs to.
        cell_xy: (P, 2) int64 column and row of the peak.
        radius: (P,) int64 cells.
        height: (P,) float32 of the peaks; None for 1.

    Returns:
        ``maps``.
    """
    if len(plane) == 0:
        return maps
    rows, width = maps.shape[-2:]
    reach = int(radius.max())
    steps = torch.arange(-reach, reach + 1, device=maps.device)
    sigma = (2 * radius.double() + 1) / 6
    profile = torch.exp(-(steps.double() ** 2) / (2 * sigma[:, None] ** 2))
    profile = torch.where(steps.abs() <= radius[:, None], profile, 0)
    x = cell_xy[:, :1] + steps
    y = cell_xy[:, 1:] + steps
    profile_x = torch.where((x >= 0) & (x < width), profile, 0)
    profile_y = torch.where((y >= 0) & (y < rows), profile, 0)
    window = (profile_y[:, :, None] * profile_x[:, None, :]).to(maps.dtype)
    if height is not None:
        window = window * height[:, None, None]
    row = plane[:, None] * rows + y.clamp(0, rows - 1)
    index = row[:, :, None] * width + x.clamp(0, width - 1)[:, None, :]
    maps.view(-1).scatter_reduce_(0, index.flatten(), window.flatten(), 'amax')
    return maps


def suppress_non_peaks(logits: Tensor) -> Tensor:
    """Keep cells that are the largest of their 3×3 neighbourhood and lower the rest.

    A maximum over shifted slices: on a CPU ten times faster than `max_pool2d`. Steps are written
    into the maps of earlier ones: fresh memory for each costs more than the arithmetic. The sign
    instead of a comparison, because torch does not vectorise comparisons.

    Args:
        logits: (B, C, H, W), left unchanged.

    Returns:
        (B, C, H, W) float32, contiguous, with `SUPPRESSED` added beside a larger cell.
    """
    logits = logits.float().contiguous()
    rows = _largest_of_three(functional.pad(logits, (1, 1, 1, 1), mode='replicate'), -2)
    around = _largest_of_three(rows, -1)
    return logits.add(around.sub_(logits).sign_(), alpha=SUPPRESSED)


def _largest_of_three(values: Tensor, axis: int) -> Tensor:
    """Return the maximum of each three neighbours along an axis, which gets two shorter."""
    count = values.shape[axis] - 2
    before, middle, after = (values.narrow(axis, start, count) for start in range(3))
    return torch.maximum(before, after).clamp_min_(middle)


def top_cells(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the largest values of flat maps as `topk` does, in two thirds of its time.

    The ``count`` largest values lie in the ``count`` groups with the largest maxima, so only
    these are searched. A group has `GROUP_CELLS` cells, one of every part of the map.

    Args:
        values: (..., cells).
        count: How many are wanted; all cells if there are fewer.

    Returns:
        Values and cell numbers, (..., count) each, in descending order. Equal values may come in
        another order than from `topk`.
    """
    cells = values.shape[-1]
    num_groups = cells // GROUP_CELLS
    if cells % GROUP_CELLS or num_groups <= count:
        return values.topk(min(count, cells), dim=-1)
    groups = values.reshape(*values.shape[:-1], GROUP_CELLS, num_groups)
    chosen = groups.amax(dim=-2).topk(count, dim=-1).indices
    members = groups.gather(-1, chosen[..., None, :].expand(*groups.shape[:-1], count))
    best, place = members.flatten(-2).topk(count, dim=-1)
    return best, place // count * num_groups + chosen.gather(-1, place % count)


def gather_cells(maps: Tensor, index: Tensor) -> Tensor:
    """Read all channels of a map at flat cell numbers.

    Args:
        maps: (B, C, H, W).
        index: (B, ...) int64, row * W + column.

    Returns:
        (B, ..., C).
    """
    batch, channels = maps.shape[:2]
    flat = index.reshape(batch, 1, -1).expand(-1, channels, -1)
    values = maps.flatten(2).gather(2, flat).transpose(1, 2)
    return values.reshape(*index.shape, channels)
