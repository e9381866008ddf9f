"""Where boxes and round distractors stand, lie, lean or float."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box, relabel_by_view
from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import Form, Shape
from cpose.datasets.synthetic.shapes.solids import Solid, sample_solid
from cpose.datasets.synthetic.visibility import Standing, box_hull, inside_fraction

TRIES = 60
GAP = 1e-6
"""Metres by which a box on another one is lifted, so that rounding does not merge them."""


def place_first(
    rng: np.random.Generator,
    camera: VirtualCamera,
    shape: Shape,
    realism: RealismSettings,
    crowd: float,
) -> tuple[VirtualCamera, Box] | None:
    """Choose where and how big the first box appears; this fixes the camera's height.

    Args:
        rng: Source of randomness.
        camera: Lens and direction of the camera.
        shape: What kind of object it is.
        realism: Sizes of boxes and share of boxes in any pose.
        crowd: Factor on the size.

    Returns:
        The camera at its height and the box, or None if there was no room.
    """
    if realism.free_pose > 0 and rng.random() < realism.free_pose:
        return _place_first_free(rng, camera, shape, realism, crowd)
    width, height = camera.image_wh
    for _ in range(TRIES):
        form = shape.sample(rng, realism)
        dims, tall = form.dims, _resting_height(form)
        extent = np.linalg.norm(dims)
        fraction = log_uniform(rng, *realism.box_span) * crowd
        depth = camera.intrinsics[0, 0] * extent / (fraction * max(width, height))
        target = rng.uniform((0.15, 0.2), (0.85, 0.85)) * (width, height)
        ray = camera.ray_world(target)
        above = tall / 2 - ray[1] * depth
        if above < 0.6 * tall or ray[1] > -0.03:
            continue
        centre = ray * depth
        box = Box.at_rest(dims, centre[[0, 2]], rng.uniform(-np.pi, np.pi), form)
        placed = replace(camera, height=above)
        if is_well_in_view(rng, placed, box, realism.cut_off):
            return placed, _labelled(box, placed, shape, camera.is_rolled)
    return None


def _place_first_free(
    rng: np.random.Generator,
    camera: VirtualCamera,
    shape: Shape,
    realism: RealismSettings,
    crowd: float,
) -> tuple[VirtualCamera, Box] | None:
    """Put a box of any rotation anywhere before the camera and the plane somewhere below it."""
    for _ in range(TRIES):
        box, ray, depth = _sample_free(rng, camera, shape, realism, crowd)
        leans = rng.random() < 0.25
        level = 0.0 if leans else float(np.linalg.norm(box.dims)) * log_uniform(rng, 0.03, 1.5)
        above = level + box.height / 2 - ray[1] * depth
        if above < 0.6 * box.height:
            continue
        placed = replace(camera, height=above)
        box = replace(box, level=level)
        if is_well_in_view(rng, placed, box, realism.cut_off):
            return placed, _labelled(box, placed, shape)
    return None


def place_next(
    rng: np.random.Generator,
    camera: VirtualCamera,
    boxes: Sequence[Box],
    shape: Shape,
    realism: RealismSettings,
    shrink: float,
) -> Box:
    """Put a box of any size near the first one, on one of the others or into the air.

    Args:
        rng: Source of randomness.
        camera: The camera.
        boxes: One or more boxes that are there.
        shape: What kind of object it is.
        realism: Sizes of boxes and share of stacks and of boxes in any pose.
        shrink: Factor on the size.
    """
    if realism.stacks > 0 and rng.random() < realism.stacks:
        base = boxes[int(rng.integers(len(boxes)))]
        return _place_beside_or_on(rng, camera, base, shape, realism)
    if realism.free_pose > 0 and rng.random() < realism.free_pose:
        return _place_next_free(rng, camera, shape, realism, shrink)
    anchor = boxes[0]
    extent = np.linalg.norm(anchor.dims)
    form = shape.sample(rng, realism)
    dims = form.dims / np.linalg.norm(form.dims) * extent * np.exp(rng.uniform(-0.7, 0.5)) * shrink
    reach = extent * rng.uniform(0.4, 3.0)
    angle = rng.uniform(0, 2 * np.pi)
    position = anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])
    aligned = rng.random() < 0.3
    yaw = anchor.yaw + rng.normal(0, 0.05) if aligned else rng.uniform(-np.pi, np.pi)
    return _labelled(Box.at_rest(dims, position, yaw, form), camera, shape, camera.is_rolled)


def _place_next_free(
    rng: np.random.Generator,
    camera: VirtualCamera,
    shape: Shape,
    realism: RealismSettings,
    shrink: float,
) -> Box:
    for _ in range(TRIES):
        box, ray, depth = _sample_free(rng, camera, shape, realism, 0.7 * shrink)
        level = camera.height + ray[1] * depth - box.height / 2
        if level > 0:
            break
    return _labelled(replace(box, level=max(level, 0.0)), camera, shape)


def _place_beside_or_on(
    rng: np.random.Generator,
    camera: VirtualCamera,
    base: Box,
    shape: Shape,
    realism: RealismSettings,
) -> Box:
    """Put a box of similar size on another one or close beside it, nearly parallel."""
    form = shape.sample(rng, realism)
    dims = form.dims
    across = np.sort(np.ptp(base.footprint, axis=0))
    scale = min(across[0] / dims[0], across[1] / dims[2]) * log_uniform(rng, 0.5, 1.15)
    dims = dims * min(scale, 1.3 * np.linalg.norm(base.dims) / np.linalg.norm(dims))
    along = base.world_from_object[:, 0 if abs(base.world_from_object[1, 0]) < 0.7 else 2]
    yaw = float(np.arctan2(-along[2], along[0])) + rng.normal(0, 0.15)
    carries = base.form is None or base.form.carries
    if base.is_upright and carries and rng.random() < 0.5:
        shift = rng.uniform(-0.15, 0.15, 2) * across
        box = Box.at_rest(dims, base.position + shift, yaw, form)
        box = replace(box, level=base.heights[1] + GAP)
    else:
        angle = yaw + rng.integers(4) * np.pi / 2
        reach = (np.ptp(base.footprint, axis=0).max() + dims[[0, 2]].max()) * rng.uniform(0.4, 0.6)
        beside = reach * np.array([np.cos(angle), -np.sin(angle)])
        box = Box.at_rest(dims, base.position + beside, yaw, form)
    return _labelled(box, camera, shape, camera.is_rolled)


def _sample_free(
    rng: np.random.Generator,
    camera: VirtualCamera,
    shape: Shape,
    realism: RealismSettings,
    crowd: float,
) -> tuple[Box, np.ndarray, float]:
    """Return a box of any rotation at level 0, and the ray and depth of its centre."""
    form = shape.sample(rng, realism)
    dims = form.dims
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
    yaw = rng.uniform(-np.pi, np.pi)
    return Box(dims, (ray * depth)[[0, 2]], yaw, tilt, form=form), ray, depth


def _labelled(box: Box, camera: VirtualCamera, shape: Shape, is_needed: bool = True) -> Box:
    is_open = is_needed and shape.is_labelled_by_view
    return relabel_by_view(box, camera) if is_open else box


def _resting_height(form: Form) -> float:
    """Return the metres between the lowest and the highest corner of a form at rest."""
    return float(form.dims[1] if form.rest is None else np.abs(form.rest[1]) @ form.dims)


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
    left_out: Collection[str] = (),
) -> list[Solid]:
    """Sample round distractors around the boxes, and sometimes one in front of a box.

    Args:
        rng: Source of randomness.
        camera: The camera.
        anchor: The box, drawn or not, that tells place and size.
        boxes: The boxes of the scene.
        realism: Number of distractors and probability of one in front.
        left_out: Kinds of solids that do not occur.
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
        solid = sample_solid(rng, position, height, realism.printed_solids, left_out)
        is_in_front = camera.to_cv(solid.outline_world)[:, 2].min() > 0.2 * extent
        if is_in_front and not collides(solid, [*boxes, *solids]):
            solids.append(solid)
    return solids


def sample_props(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    boxes: Sequence[Box],
    solids: Sequence[Solid],
    distractors: Sequence[Shape],
    realism: RealismSettings,
) -> list[Box]:
    """Sample objects of other shapes, which are not annotated, around the boxes.

    Args:
        rng: Source of randomness.
        camera: The camera.
        anchor: The box, drawn or not, that tells place and size.
        boxes: The boxes of the scene; an object may cover part of one.
        solids: Round distractors that are already there.
        distractors: Shapes to choose from.
        realism: Number of objects.
    """
    extent = float(np.linalg.norm(anchor.dims))
    scale = extent / float(np.linalg.norm(anchor.form.dims)) if anchor.form else 1.0
    props: list[Box] = []
    for _ in range(int(rng.integers(realism.props[0], realism.props[1] + 1))):
        form = distractors[int(rng.integers(len(distractors)))].sample(rng, realism)
        dims = form.dims * (scale * log_uniform(rng, 0.7, 1.2))
        place = _place_of_prop(rng, anchor, [*boxes, *props], realism)
        box = Box.at_rest(dims, place, rng.uniform(-np.pi, np.pi), form)
        is_in_front = camera.to_cv(box.keypoints_world)[:, 2].min() > 0.2 * extent
        if is_in_front and not collides(box, [*boxes, *solids, *props]):
            props.append(box)
    return props


def _place_of_prop(
    rng: np.random.Generator, anchor: Box, others: Sequence[Box], realism: RealismSettings
) -> np.ndarray:
    if not others:
        return anchor.position
    if rng.random() < realism.occluder:
        return _in_front(rng, others[0])
    return _scatter(rng, anchor, float(np.linalg.norm(anchor.dims)))


def _scatter(rng: np.random.Generator, anchor: Box, extent: float) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    reach = extent * rng.uniform(0.6, 3.0)
    return anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])


def _in_front(rng: np.random.Generator, box: Box) -> np.ndarray:
    """Return a place between the camera's foot point and the box, a little to the side."""
    towards = -box.position / np.linalg.norm(box.position)
    aside = np.array([-towards[1], towards[0]]) * rng.uniform(-0.6, 0.6)
    return box.position + (towards * rng.uniform(0.6, 1.0) + aside) * np.linalg.norm(box.dims)
