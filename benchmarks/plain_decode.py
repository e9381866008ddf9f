"""The same decoding written in the straightforward way, as the baseline of the speed test.

`max_pool2d` over the whole probability maps, `topk` over all cells, and a Python loop over the
detections of every image. The conditions of a match are those of `cpose.codecs.detections`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from cpose.codecs.detections import (
    BOX_MARGIN,
    MEAN_DISTANCE,
    MIN_DETECTION_SCORE,
    MIN_PEAK_SCORE,
    MISSING,
    SNAP_DISTANCE,
)


def decode_plainly(maps: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Turn raw maps into the best detections of every image; keys as in `CenterPoseCodec`."""
    heat, corner_heat = find_peaks(maps['hm']), find_peaks(maps['hm_hp'])
    images = []
    for image in range(len(heat)):
        own = {name: values[image] for name, values in maps.items()}
        images.append(decode_image(heat[image], corner_heat[image], own, count))
    return {name: torch.stack([found[name] for found in images]) for name in images[0]}


def find_peaks(logits: Tensor) -> Tensor:
    """Return probabilities (B, C, H, W), 0 where a neighbour is larger."""
    heat = logits.sigmoid()
    return heat * (functional.max_pool2d(heat, 3, stride=1, padding=1) == heat)


def decode_image(
    heat: Tensor, corner_heat: Tensor, maps: Mapping[str, Tensor], count: int
) -> dict[str, Tensor]:
    """Decode one image of one category, detection by detection."""
    width = heat.shape[-1]
    scores, index = heat.flatten().topk(count)
    peak_scores, peak_index = corner_heat.flatten(1).topk(count)
    x, y = peak_index % width, peak_index // width
    peaks = torch.stack([x, y], dim=-1) + maps['hp_offset'][:, y, x].permute(1, 2, 0)
    peaks[peak_scores <= MIN_PEAK_SCORE] = MISSING
    rows = []
    for score, cell in zip(scores, index, strict=True):
        column, row = cell % width, cell // width
        place = torch.stack([column, row])
        values = {name: own[:, row, column] for name, own in maps.items()}
        middle, half = place + values['reg'], values['wh'] / 2
        box = torch.cat([middle - half, middle + half])
        displaced = place + values['hps'].view(-1, 2)
        kps, heatmap_mean = match_corners(displaced, peaks, peak_scores, box, score)
        rows.append(
            {
                'bboxes': box,
                'scores': score[None],
                'kps': kps.flatten(),
                'clses': torch.zeros(1),
                'obj_scale': values['scale'],
                'kps_displacement_mean': displaced.flatten(),
                'kps_heatmap_mean': heatmap_mean.flatten(),
            }
        )
    return {name: torch.stack([found[name] for found in rows]) for name in rows[0]}


def match_corners(
    displaced: Tensor, peaks: Tensor, peak_scores: Tensor, box: Tensor, score: Tensor
) -> tuple[Tensor, Tensor]:
    """Match the corners (8, 2) of one detection with peaks (8, P, 2); snapped, heatmap corners."""
    distance, nearest = (displaced[:, None] - peaks).norm(dim=-1).min(dim=-1)
    corner = torch.arange(len(peaks))
    position, strength = peaks[corner, nearest], peak_scores[corner, nearest]
    low, high = box[:2], box[2:]
    side = (high - low).max()
    inside = ((position >= low) & (position <= high)).all(dim=-1)
    snap = inside & (strength >= MIN_PEAK_SCORE) & (distance <= SNAP_DISTANCE * side)
    near_low, near_high = low * (1 - BOX_MARGIN), high * (1 + BOX_MARGIN)
    near = ((position > near_low) & (position < near_high)).all(dim=-1)
    found = near & (strength > MIN_PEAK_SCORE) & (distance < MEAN_DISTANCE * side)
    found &= score > MIN_DETECTION_SCORE
    return (
        torch.where(snap[:, None], position, displaced),
        torch.where(found[:, None], position, MISSING),
    )
