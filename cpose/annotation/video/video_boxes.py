"""Boxes of a video as a person describes them, and where they are in each frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cpose.annotation.cuboid_solver import CuboidSolution
from cpose.annotation.server.boxes import SOFT_TRUST, Box, parse_box
from cpose.annotation.video.joint_problem import BoxView, JointProblem
from cpose.annotation.video.joint_solver import JointSolution, scaled, solve_joint
from cpose.annotation.video.motion import Frame, Motion
from cpose.files.json_files import JsonFields
from cpose.geometry.symmetry import quarter_turn_order
from cpose.structures.cuboid import NUM_CORNERS

MOST_BOXES = 100


@dataclass(frozen=True)
class VideoBox:
    """One object of a video.

    Attributes:
        said: Its description; corners stand in ``clicks``.
        clicks: (8, 2) pixels of the corners that were placed, by number of the frame, NaN for the
            others.
        is_removed: Whether it counts no more; it stays for undo.
    """

    said: Box
    clicks: Mapping[int, np.ndarray] = field(default_factory=dict)
    is_removed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        content = {name: value for name, value in self.said.says().items() if name not in ON_FRAME}
        frames = {str(number): _plain(corners) for number, corners in sorted(self.clicks.items())}
        removed = {'removed': True} if self.is_removed else {}
        return {**content, **removed, 'frames': frames}

    def with_clicks(self, number: int, corners: np.ndarray) -> 'VideoBox':
        """Return the box with other corners in a frame."""
        clicks = {**self.clicks, number: corners}
        return replace(self, clicks={key: value for key, value in clicks.items() if _any(value)})

    def turned(self, turns: int) -> 'VideoBox':
        """Return the box with its labelling turned by quarters, in all frames."""
        order = quarter_turn_order(turns)[1:] - 1
        clicks = {number: corners[order] for number, corners in self.clicks.items()}
        return replace(self, clicks=clicks)

    def in_frame(self, number: int, solution: CuboidSolution | None) -> Box:
        """Return the box as the page shows it in a frame.

        Corners that were not placed there yield to those that are, but for the one frame in which
        the box is begun: its other corners are still to be placed.
        """
        corners = self.clicks.get(number, np.full((NUM_CORNERS, 2), np.nan)).copy()
        is_soft = np.zeros(NUM_CORNERS, dtype=bool)
        if solution is not None and set(self.clicks) != {number}:
            is_soft = np.isnan(corners[:, 0])
            corners[is_soft] = solution.keypoints_image[1:][is_soft]
        return replace(self.said, corners=corners, is_soft=is_soft, solution=solution)


ON_FRAME = ('corners', 'soft')
"""Fields of a box that belong to a frame."""


def _any(corners: np.ndarray) -> bool:
    return bool(np.isfinite(corners).any())


def _plain(corners: np.ndarray) -> list[Any]:
    return [None if np.isnan(row[0]) else row.tolist() for row in corners]


def parse_video_boxes(root: JsonFields, motion: Motion) -> list[VideoBox]:
    """Read what `VideoBox.to_json` wrote, or somebody in the same format.

    Args:
        root: With the field ``boxes``.
        motion: The video.

    Raises:
        DataError: If a field is missing or wrong.
    """
    items = root.list_of_fields('boxes')
    if len(items) > MOST_BOXES:
        raise root.error('boxes', f'must be at most {MOST_BOXES}')
    boxes = [_parse_box(item, place, motion) for place, item in enumerate(items)]
    if len({box.said.id for box in boxes}) < len(boxes):
        raise root.error('boxes', 'must have an id each of its own')
    return boxes


def _parse_box(item: JsonFields, place: int, motion: Motion) -> VideoBox:
    frames, content = item.fields('frames'), item.rest(('frames', 'removed'))
    content = {'id': f'box-{place}', **content}
    said = parse_box(_fields(item, content, [None] * NUM_CORNERS), motion.image_wh)
    numbers = set(motion.by_number)
    clicks: dict[int, np.ndarray] = {}
    for key, corners in frames.rest(()).items():
        if not (key.isdecimal() and int(key) in numbers):
            raise frames.error(key, f'is of no frame that is used; {_near(key, numbers)}')
        box = parse_box(_fields(item, content, corners), motion.image_wh)
        if _any(box.corners):
            clicks[int(key)] = box.corners
    return VideoBox(said, clicks, item.get('removed') is True)


def _fields(item: JsonFields, content: dict[str, Any], corners: Any) -> JsonFields:
    place = item.place('')
    return JsonFields({**content, 'corners': corners}, str(place.path), place.field)


def _near(key: str, numbers: set[int]) -> str:
    wanted = int(key) if key.isdecimal() and len(key) < 10 else 0
    near = sorted(sorted(numbers, key=lambda number: abs(number - wanted))[:3])
    return f'near it are {", ".join(map(str, near))}'


@dataclass(frozen=True)
class Placement:
    """Where the boxes of a video are.

    Attributes:
        motion: The cameras, in metres or in heights of the first box.
        is_metric: Whether that unit is the metre.
        solutions: By id of the box; without those that have no pose yet.
    """

    motion: Motion
    is_metric: bool
    solutions: Mapping[str, JointSolution]

    def seen(self, box: VideoBox, number: int) -> CuboidSolution | None:
        """Return a box as the camera of a frame sees it, None if it has no pose."""
        found, frame = self.solutions.get(box.said.id), self.motion.by_number[number]
        return None if found is None else found.seen(view_of(frame, self.motion.image_wh))


def view_of(frame: Frame, image_wh: tuple[int, int], corners: np.ndarray | None = None) -> BoxView:
    """Return the view of a frame with the corners that were placed in it, none by default."""
    return BoxView(
        corners_image=np.full((NUM_CORNERS, 2), np.nan) if corners is None else corners,
        image_wh=image_wh,
        intrinsics=frame.intrinsics,
        distortion=frame.distortion,
        cv_from_world=frame.cv_from_world,
    )


def problem_of(box: VideoBox, motion: Motion) -> JointProblem:
    """Return what is known of a box that stands still."""
    return JointProblem(
        views=[
            view_of(motion.by_number[number], motion.image_wh, corners)
            for number, corners in sorted(box.clicks.items())
        ],
        dims=box.said.sizes,
        is_metric=motion.is_metric,
        plane_world=motion.plane_world,
        is_upright=box.said.is_upright,
        expected=motion.expected,
    )


def place_boxes(
    boxes: Sequence[VideoBox], motion: Motion, before: Placement | None = None
) -> Placement:
    """Solve for all boxes.

    Where the unit of the world is unknown, the typed sizes of the first box that has some tell it;
    without any the height of the first box is the unit.

    Args:
        boxes: The boxes.
        motion: Where the cameras were.
        before: An earlier placement, from which the search starts too.
    """
    counted = [box for box in boxes if box.clicks and not box.is_removed]
    metric = motion
    is_metric = motion.is_metric
    if not motion.is_metric and counted:
        typed = [box for box in counted if np.isfinite(box.said.sizes).any()]
        first = (typed or counted)[0]
        found = solve_joint(problem_of(first, motion))
        if found is None:
            return Placement(motion, False, {})
        factor = found.scale if typed else 1 / float(found.dims[1])
        metric, is_metric = rescaled(motion, factor), bool(typed)
    solutions = {}
    for box in counted:
        old = None if before is None else before.solutions.get(box.said.id)
        solution = solve_joint(problem_of(box, metric), None if old is None else old.state)
        if solution is not None:
            solutions[box.said.id] = solution
    return Placement(metric, is_metric, solutions)


def rescaled(motion: Motion, factor: float) -> Motion:
    """Return a motion in another unit, of which ``factor`` are one of the old one."""
    plane = motion.plane_world
    return replace(
        motion,
        is_metric=True,
        frames=tuple(
            replace(frame, cv_from_world=scaled(frame.cv_from_world, factor))
            for frame in motion.frames
        ),
        plane_world=None if plane is None else plane * np.array([[factor], [1.0]]),
        expected=None if motion.expected is None else motion.expected * factor,
    )


def soft_trust(is_soft: np.ndarray) -> np.ndarray:
    """Return (8,) weights of corners that were placed, or yield to those that were."""
    return np.where(is_soft, SOFT_TRUST, 1.0)
