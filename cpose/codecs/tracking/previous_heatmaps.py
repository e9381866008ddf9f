"""Objects of the frame before as heatmaps that the network reads.

Source: Lin et al., "Keypoint-Based Category-Level Object Pose Tracking from an RGB Sequence with
Uncertainty Estimation" (ICRA 2022), section III; Zhou et al., "Tracking Objects as Points" (ECCV
2020), section 4.1. Letters: B batch, P objects, Q peaks, K = 8 corners, H W the network input.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cpose.codecs.heatmap import draw_gaussians, gaussian_radius
from cpose.geometry.affine import apply_affine
from cpose.geometry.cuboid_pose import KEYPOINTS_STD
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.object_pose import ObjectPose
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.structures.previous_frame import HEATMAP_CHANNELS, PreviousFrame

SURE_STD, UNSURE_STD = 3.0, 9.0
"""Standard deviations of a corner, image pixels, at which its peak has 0.85 and 0 of its height."""
LOW_HEIGHT = 0.15


class Peaks(NamedTuple):
    """Peaks of P objects, input pixels; those of height 0, or off the input, are not drawn.

    Attributes:
        centers: (P, 2).
        corners: (P, K, 2).
        radii: (P,) int64, of all peaks of an object.
        center_heights: (P,) 0 to 1.
        corner_heights: (P, K) 0 to 1.
    """

    centers: np.ndarray
    corners: np.ndarray
    radii: np.ndarray
    center_heights: np.ndarray
    corner_heights: np.ndarray


def corner_heights(std: np.ndarray) -> np.ndarray:
    """Return the heights (...) of the peaks of corners of standard deviations (..., 2) in pixels.

    1 − 0.15 ^ ((9 − s) / 6), s the length of (std x, std y), and 0 from nine pixels on.
    """
    length = np.linalg.norm(std, axis=-1)
    doubt = LOW_HEIGHT ** ((UNSURE_STD - length) / (UNSURE_STD - SURE_STD))
    return np.maximum(1 - doubt, 0)


class PeakBoxes(NamedTuple):
    """What the 2D boxes of P objects say of their peaks, input pixels.

    Attributes:
        centers: (P, 2) of the parts on the input.
        sizes: (P, 2) widths and heights of these parts.
        radii: (P,) int64.
        is_drawn: (P,) bool, whether there is such a part.
    """

    centers: np.ndarray
    sizes: np.ndarray
    radii: np.ndarray
    is_drawn: np.ndarray


def peak_boxes(points_input: np.ndarray, input_wh: tuple[int, int]) -> PeakBoxes:
    """Return the boxes around points (P, n, 2), input pixels."""
    limits = np.array(input_wh) - 1
    low = np.clip(points_input.min(axis=1), 0, limits)
    high = np.clip(points_input.max(axis=1), 0, limits)
    sizes = high - low
    return PeakBoxes(
        (low + high) / 2, sizes, gaussian_radius(sizes[:, ::-1]), (sizes > 0).all(axis=1)
    )


def peaks_of_poses(poses: Sequence[ObjectPose], sample: PoseDataSample) -> Peaks:
    """Return the peaks of objects that were found in the frame before.

    A centre is as high as its score. Corners are those of the pose, or of the network where there
    is none, and the higher the smaller their predicted standard deviations are; a network without
    these gives the height of the score.

    Args:
        poses: The objects, image pixels; those without a box on the input have no peaks.
        sample: The frame at hand, whose affine leads to the input.
    """
    affine = sample.input_from_image
    ends = np.array([pose.bbox_image for pose in poses]).reshape(-1, 2, 2)
    boxes = peak_boxes(apply_affine(affine, ends), sample.input_wh)
    scores = np.array([pose.score for pose in poses], dtype=np.float64)
    corners = np.array([_corners(pose) for pose in poses]).reshape(-1, NUM_CORNERS, 2)
    inside = ((corners >= 0) & (corners < np.array(sample.image_wh))).all(axis=2)
    heights = np.array([_heights(pose) for pose in poses]).reshape(-1, NUM_CORNERS)
    return Peaks(
        boxes.centers,
        apply_affine(affine, corners),
        boxes.radii,
        np.where(boxes.is_drawn, scores, 0),
        np.where(boxes.is_drawn[:, None] & inside, heights, 0),
    )


def _corners(pose: ObjectPose) -> np.ndarray:
    return pose.corners_image if pose.keypoints_image is None else pose.keypoints_image[1:]


def _heights(pose: ObjectPose) -> np.ndarray:
    if KEYPOINTS_STD not in pose.extras:
        return np.full(NUM_CORNERS, pose.score)
    return corner_heights(pose.extras[KEYPOINTS_STD])


def frame_of_peaks(
    peaks: Peaks,
    input_wh: tuple[int, int],
    centers_input: np.ndarray | None = None,
    corners_input: np.ndarray | None = None,
) -> PreviousFrame:
    """Return the peaks that can be drawn.

    Args:
        peaks: All.
        input_wh: Width and height of the network input.
        centers_input: See `PreviousFrame`.
        corners_input: The same.
    """
    points = np.concatenate([peaks.centers[:, None], peaks.corners], axis=1)
    heights = np.concatenate([peaks.center_heights[:, None], peaks.corner_heights], axis=1)
    with np.errstate(invalid='ignore'):
        inside = ((points >= 0) & (points < np.array(input_wh))).all(axis=2)
    objects, planes = np.nonzero(inside & (heights > 0))
    return PreviousFrame(
        planes,
        points[objects, planes],
        peaks.radii[objects],
        heights[objects, planes],
        centers_input,
        corners_input,
    )


def draw_previous(
    frames: Sequence[PreviousFrame | None], input_hw: tuple[int, int], device: torch.device | str
) -> Tensor:
    """Return the heatmaps (B, 1 + K, H, W) of centres and corners, float32.

    Args:
        frames: One per image; None for an image without one before it, whose maps are empty.
        input_hw: Height and width of the network input.
        device: Where they go.
    """
    maps = torch.zeros(len(frames), HEATMAP_CHANNELS, *input_hw, device=device)
    known = [(row, frame) for row, frame in enumerate(frames) if frame is not None]
    if known:
        rows = np.concatenate([np.full(len(frame.planes), row) for row, frame in known])
        joined = [
            np.concatenate([getattr(frame, name) for _, frame in known])
            for name in ('planes', 'peaks_input', 'radii', 'heights')
        ]
        planes, points, radii, heights = (torch.from_numpy(values).to(device) for values in joined)
        numbers = torch.from_numpy(rows).to(device) * HEATMAP_CHANNELS + planes
        flat = maps.view(-1, *input_hw)
        draw_gaussians(flat, numbers, points.floor().long(), radii, heights.float())
    return maps
