"""Samples with training candidates, for the tests of codec and losses."""

import numpy as np

from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample


def slanted_box(center, size, tilt=(0.25, 0.15)):
    """Return eight corners of an oblique drawing of a box, (8, 2) pixels."""
    half = np.asarray(size) / 2
    flat = CORNER_SIGNS[:, :2] * half + CORNER_SIGNS[:, 2:] * np.asarray(tilt) * half
    return flat + np.asarray(center)


def make_sample(corners, input_wh=(128, 128), dims=None, labels=None, is_candidate=None):
    """Return a sample of objects with corners (N, S, 8, 2) in input pixels; image = input."""
    corners = np.asarray(corners, dtype=np.float64)
    count, rows = corners.shape[:2]
    inside = ((corners >= 0) & (corners < input_wh)).all(axis=-1)
    centers = corners[:, 0].mean(axis=1)
    candidates = CuboidCandidates(
        labels=np.zeros(count, dtype=np.int64) if labels is None else np.asarray(labels),
        centers_input=centers,
        corners_input=corners,
        is_corner_in_image=inside,
        is_center_in_image=((centers >= 0) & (centers < input_wh)).all(axis=-1),
        dims_metric=np.ones((count, rows, 3)) if dims is None else np.asarray(dims, float),
        is_candidate=np.ones((count, rows), bool) if is_candidate is None else is_candidate,
    )
    return PoseDataSample('scene.png', input_wh, input_wh, np.eye(2, 3), candidates=candidates)


def perfect_maps(codec, targets, heatmap_hw):
    """Return logits and values from which decoding must give back the encoded objects."""
    import torch

    heatmaps = codec.draw_heatmaps(targets, heatmap_hw)
    hm, hm_hp = (heatmaps[name][:, 0] for name in ('hm', 'hm_hp'))
    batch = hm.shape[0]
    height, width = heatmap_hw

    def scatter(index, values, mask):
        plane = torch.zeros(batch, values.shape[-1], height * width)
        for b, cells in enumerate(index):
            keep = mask[b]
            plane[b][:, cells[keep]] = values[b][keep].T
        return plane.view(batch, -1, height, width)

    center, mask = targets['center_index'][:, 0], targets['object_mask'][:, 0]
    corner, corner_mask = targets['keypoint_index'][:, 0], targets['keypoint_mask'][:, 0]
    return {
        'hm': torch.logit(hm.clamp(1e-4, 1 - 1e-4)),
        'hm_hp': torch.logit(hm_hp.clamp(1e-4, 1 - 1e-4)),
        'wh': scatter(center, targets['box_size_wh'][:, 0], mask),
        'reg': scatter(center, targets['center_offset'][:, 0], mask),
        'hps': scatter(center, targets['keypoint_displacement'][:, 0], mask),
        'scale': scatter(center, targets['dims'][:, 0], mask),
        'hp_offset': scatter(
            corner.flatten(1),
            targets['keypoint_offset'][:, 0].flatten(1, 2),
            corner_mask.flatten(1),
        ),
    }
