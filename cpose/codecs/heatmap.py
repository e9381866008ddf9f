"""Gaussian heatmaps: radius, drawing, peaks.

Letters: P points, H W the map at hand.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

MIN_OVERLAP = 0.7


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


def draw_gaussians(maps: Tensor, plane: Tensor, cell_xy: Tensor, radius: Tensor) -> Tensor:
    """Draw Gaussian peaks of height 1 into stacked maps, merging by maximum.

    sigma is (2 radius + 1) / 6 over a window of (2 radius + 1) squared. Source: Zhou et al.,
    "Objects as Points", section 3.

    Args:
        maps: (R, H, W) float32, written in place.
        plane: (P,) int64, which of the R maps a point belongs to.
        cell_xy: (P, 2) int64 column and row of the peak.
        radius: (P,) int64 cells.

    Returns:
        ``maps``.
    """
    if len(plane) == 0:
        return maps
    height, width = maps.shape[-2:]
    reach = int(radius.max())
    steps = torch.arange(-reach, reach + 1, device=maps.device)
    sigma = (2 * radius.double() + 1) / 6
    profile = torch.exp(-(steps.double() ** 2) / (2 * sigma[:, None] ** 2))
    profile = torch.where(steps.abs() <= radius[:, None], profile, 0)
    x = cell_xy[:, :1] + steps
    y = cell_xy[:, 1:] + steps
    profile_x = torch.where((x >= 0) & (x < width), profile, 0)
    profile_y = torch.where((y >= 0) & (y < height), profile, 0)
    window = (profile_y[:, :, None] * profile_x[:, None, :]).to(maps.dtype)
    row = plane[:, None] * height + y.clamp(0, height - 1)
    index = row[:, :, None] * width + x.clamp(0, width - 1)[:, None, :]
    maps.view(-1).scatter_reduce_(0, index.flatten(), window.flatten(), 'amax')
    return maps


def local_maxima(heat: Tensor) -> Tensor:
    """Keep cells that are the largest of their 3×3 neighbourhood and set the rest to 0.

    A maximum over shifted slices: on a CPU twenty times faster than `max_pool2d`.

    Args:
        heat: (B, C, H, W), not negative.

    Returns:
        (B, C, H, W).
    """
    padded = functional.pad(heat, (1, 1, 1, 1))
    rows = torch.maximum(padded[..., :-2, :], padded[..., 2:, :])
    rows = torch.maximum(rows, padded[..., 1:-1, :])
    around = torch.maximum(rows[..., :-2], rows[..., 2:])
    around = torch.maximum(around, rows[..., 1:-1])
    return torch.where(around == heat, heat, 0)


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
