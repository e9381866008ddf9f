"""Where boxes and round distractors stand, lie, lean or float."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box, relabel_by_view
from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.settings import RealismSettings, sample_dims
from cpose.datasets.synthetic.solids import Solid, sample_solid
from cpose.datasets.synthetic.visibility import Standing, box_hull, inside_fraction

TRIES = 60
GAP = 1e-6
"""Metres by which a box on another one is lifted, so that rounding does not merge them."""


def place_first(
    rng: np.random.Generator, camera: VirtualCamera, realism: RealismSettings, crowd: float
) -> tuple[VirtualCamera, Box] | None:
    """Choose where and how big the first box appears; this fixes the camera's height.

    Args:
        rng: Source of randomness.
        camera: Lens and direction of the camera.
        realism: Sizes of boxes and share of boxes in any pose.
        crowd: Factor on the size.

    Returns:
        The camera at its height and the box, or None if there was no room.
    """
    if realism.free_pose > 0 and rng.random() < realism.free_pose:
        return _place_first_free(rng, camera, realism, crowd)
    width, height = camera.image_wh
    for _ in range(TRIES):
        dims = sample_dims(rng, realism.sides, realism.slender)
        extent = np.linalg.norm(dims)
        fraction = log_uniform(rng, *realism.box_span) * crowd
        depth = camera.intrinsics[0, 0] * extent / (fraction * max(width, height))
        target = rng.uniform((0.15, 0.2), (0.85, 0.85)) * (width, height)
        ray = camera.ray_world(target)
        above = dims[1] / 2 - ray[1] * depth
        if above < 0.6 * dims[1] or ray[1] > -0.03:
            continue
        centre = ray * depth
        box = Box(dims, centre[[0, 2]], rng.uniform(-np.pi, np.pi))
        placed = replace(camera, height=above)
        if is_well_in_view(rng, placed, box, realism.cut_off):
            return placed, relabel_by_view(box, placed) if camera.is_rolled else box
    return None


def _place_first_free(
    rng: np.random.Generator, camera: VirtualCamera, realism: RealismSettings, crowd: float
) -> tuple[VirtualCamera, Box] | None:
    """Put a box of any rotation anywhere before the camera and the plane somewhere below it."""
    for _ in range(TRIES):
        box, ray, depth = _sample_free(rng, camera, realism, crowd)
        leans = rng.random() < 0.25
        level = 0.0 if leans else float(np.linalg.norm(box.dims)) * log_uniform(rng, 0.03, 1.5)
        above = level + box.height / 2 - ray[1] * depth
        if above < 0.6 * box.height:
            continue
        placed = replace(camera, height=above)
        box = replace(box, level=level)
        if is_well_in_view(rng, placed, box, realism.cut_off):
            return placed, relabel_by_view(box, placed)
    return None


def place_next(
    rng: np.random.Generator,
    camera: VirtualCamera,
    boxes: Sequence[Box],
    realism: RealismSettings,
    shrink: float,
) -> Box:
    """Put a box of any size near the first one, on one of the others or into the air.

    Args:
        rng: Source of randomness.
        camera: The camera.
        boxes: One or more boxes that are there.
        realism: Sizes of boxes and share of stacks and of boxes in any pose.
        shrink: Factor on the size.
    """
    if realism.stacks > 0 and rng.random() < realism.stacks:
        return _place_beside_or_on(rng, camera, boxes[int(rng.integers(len(boxes)))], realism)
    if realism.free_pose > 0 and rng.random() < realism.free_pose:
        return _place_next_free(rng, camera, realism, shrink)
    anchor = boxes[0]
    extent = np.linalg.norm(anchor.dims)
    dims = sample_dims(rng, realism.sides, realism.slender)
    dims = dims / np.linalg.norm(dims) * extent * np.exp(rng.uniform(-0.7, 0.5)) * shrink
    reach = extent * rng.uniform(0.4, 3.0)
    angle = rng.uniform(0, 2 * np.pi)
    position = anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])
    aligned = rng.random() < 0.3
    yaw = anchor.yaw + rng.normal(0, 0.05) if aligned else rng.uniform(-np.pi, np.pi)
    box = Box(dims, position, yaw)
    return relabel_by_view(box, camera) if camera.is_rolled else box


def _place_next_free(
    rng: np.random.Generator, camera: VirtualCamera, realism: RealismSettings, shrink: float
) -> Box:
    for _ in range(TRIES):
        box, ray, depth = _sample_free(rng, camera, realism, 0.7 * shrink)
        level = camera.height + ray[1] * depth - box.height / 2
        if level > 0:
            break
    return relabel_by_view(replace(box, level=max(level, 0.0)), camera)


def _place_beside_or_on(
    rng: np.random.Generator, camera: VirtualCamera, base: Box, realism: RealismSettings
) -> Box:
    """Put a box of similar size on another one or close beside it, nearly parallel."""
    dims = sample_dims(rng, realism.sides, realism.slender)
    across = np.sort(np.ptp(base.footprint, axis=0))
    scale = min(across[0] / dims[0], across[1] / dims[2]) * log_uniform(rng, 0.5, 1.15)
    dims = dims * min(scale, 1.3 * np.linalg.norm(base.dims) / np.linalg.norm(dims))
    along = base.world_from_object[:, 0 if abs(base.world_from_object[1, 0]) < 0.7 else 2]
    yaw = float(np.arctan2(-along[2], along[0])) + rng.normal(0, 0.15)
    if base.is_upright and rng.random() < 0.5:
        shift = rng.uniform(-0.15, 0.15, 2) * across
        box = Box(dims, base.position + shift, yaw, level=base.heights[1] + GAP)
    else:
        angle = yaw + rng.integers(4) * np.pi / 2
        reach = (np.ptp(base.footprint, axis=0).max() + dims[[0, 2]].max()) * rng.uniform(0.4, 0.6)
        box = Box(dims, base.position + reach * np.array([np.cos(angle), -np.sin(angle)]), yaw)
    return relabel_by_view(box, camera) if camera.is_rolled else box


def _sample_free(
    rng: np.random.Generator, camera: VirtualCamera, realism: RealismSettings, crowd: float
) -> tuple[Box, np.ndarray, float]:
    """Return a box of any rotation at level 0, and the ray and depth of its centre."""
    dims = sample_dims(rng, realism.sides, realism.slender)
    fraction = log_uniform(rng, *realism.box_span) * crowd
    side = max(camera.image_wh)
    depth = camera.intrinsics[0, 0] * float(np.linalg.norm(dims)) / (fraction * side)
    ray = camera.ray_world(rng.uniform(0.15, 0.85, 2) * camera.image_wh)
    axis = rng.normal(size=3)
    if rng.random() < 0.5:
        axis[1] = 0.0
        angle = abs(rng.normal(0, 0.45))
    else:
        angle = rng.uniform(0, np.pi)
    tilt = cv2.Rodrigues(axis / np.linalg.norm(axis) * angle)[0]
    return Box(dims, (ray * depth)[[0, 2]], rng.uniform(-np.pi, np.pi), tilt), ray, depth


def is_well_in_view(
    rng: np.random.Generator, camera: VirtualCamera, box: Box, cut_off: float
) -> bool:
    """Tell whether a box is in front of the camera and inside the picture, as far as it has to."""
    depths = camera.to_cv(box.keypoints_world)[:, 2]
    if depths.min() < 0.25 * np.linalg.norm(box.dims):
        return False
    least = 0.6 if rng.random() < cut_off else 0.98
    return inside_fraction(box_hull(camera, box.keypoints_world), camera.image_wh) >= least


def collides(first: Standing, items: Sequence[Standing]) -> bool:
    """Tell whether something, a little enlarged, meets one of the items."""
    footprint = first.footprint
    centre = footprint.mean(axis=0)
    grown = ((footprint - centre) * 1.08 + centre).astype(np.float32)
    low, high = first.heights
    return any(
        low < item.heights[1]
        and item.heights[0] < high
        and cv2.intersectConvexConvex(grown, item.footprint.astype(np.float32))[0] > 0
        for item in items
    )


def sample_solids(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    boxes: Sequence[Box],
    realism: RealismSettings,
) -> list[Solid]:
    """Sample round distractors around the boxes, and sometimes one in front of a box.

    Args:
        rng: Source of randomness.
        camera: The camera.
        anchor: The box, drawn or not, that tells place and size.
        boxes: The boxes of the scene.
        realism: Number of distractors and probability of one in front.
    """
    extent = float(np.linalg.norm(anchor.dims))
    count = int(rng.integers(realism.solids[0], realism.solids[1] + 1))
    places = [_scatter(rng, anchor, extent) for _ in range(count)]
    if boxes and rng.random() < realism.occluder:
        places.append(_in_front(rng, boxes[int(rng.integers(len(boxes)))]))
    if not boxes and realism.negatives > 0:
        places += [anchor.position, *[_scatter(rng, anchor, 0.7 * extent) for _ in range(count)]]
    solids: list[Solid] = []
    for position in places:
        height = extent * np.exp(rng.uniform(-1.2, 0.1))
        solid = sample_solid(rng, position, height, realism.printed_solids)
        is_in_front = camera.to_cv(solid.outline_world)[:, 2].min() > 0.2 * extent
        if is_in_front and not collides(solid, [*boxes, *solids]):
            solids.append(solid)
    return solids


def _scatter(rng: np.random.Generator, anchor: Box, extent: float) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    reach = extent * rng.uniform(0.6, 3.0)
    return anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])


def _in_front(rng: np.random.Generator, box: Box) -> np.ndarray:
    """Return a place between the camera's foot point and the box, a little to the side."""
    towards = -box.position / np.linalg.norm(box.position)
    aside = np.array([-towards[1], towards[0]]) * rng.uniform(-0.6, 0.6)
    return box.position + (towards * rng.uniform(0.6, 1.0) + aside) * np.linalg.norm(box.dims)
