"""Boxes of a video as a person describes them, and where they are in each frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from cpose.annotation.cuboid_solver import MIN_CORNERS, CuboidSolution
from cpose.annotation.server.boxes import SOFT_TRUST, Box, parse_box
from cpose.annotation.video.following import LOST, FollowedPose
from cpose.annotation.video.joint_problem import BoxView, JointProblem
from cpose.annotation.video.joint_solver import JointSolution, scaled, solve_joint
from cpose.annotation.video.motion import Frame, Motion
from cpose.errors import DataError
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
        soft: (8,) bool by number of the frame: corners that were followed to there, and yield to
            those that were placed; only of objects that move.
        is_removed: Whether it counts no more; it stays for undo.
    """

    said: Box
    clicks: Mapping[int, np.ndarray] = field(default_factory=dict)
    soft: Mapping[int, np.ndarray] = field(default_factory=dict)
    is_removed: bool = False

    @property
    def keys(self) -> list[int]:
        """Return the frames of an object that moves in which its pose is told."""
        return [
            number
            for number, corners in sorted(self.clicks.items())
            if np.isfinite(corners[:, 0]).sum() >= MIN_CORNERS
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        content = {name: value for name, value in self.said.says().items() if name not in ON_FRAME}
        frames = {str(number): _plain(corners) for number, corners in sorted(self.clicks.items())}
        content |= {'removed': True} if self.is_removed else {}
        soft = {str(number): flags.tolist() for number, flags in sorted(self.soft.items())}
        return {**content, 'frames': frames, **({'soft': soft} if soft else {})}

    def with_clicks(
        self, number: int, corners: np.ndarray, is_soft: np.ndarray | None = None
    ) -> 'VideoBox':
        """Return the box with other corners in a frame, some of them perhaps soft."""
        clicks = {**self.clicks, number: corners}
        soft = {key: flags for key, flags in self.soft.items() if key != number}
        if is_soft is not None and is_soft.any():
            soft[number] = is_soft
        kept = {key: value for key, value in clicks.items() if _any(value)}
        return replace(self, clicks=kept, soft=soft)

    def turned(self, turns: int) -> 'VideoBox':
        """Return the box with its labelling turned by quarters, in all frames."""
        order = quarter_turn_order(turns)[1:] - 1
        clicks = {number: corners[order] for number, corners in self.clicks.items()}
        soft = {number: flags[order] for number, flags in self.soft.items()}
        return replace(self, clicks=clicks, soft=soft)

    def in_frame(self, number: int, solution: CuboidSolution | None, is_moved: bool = False) -> Box:
        """Return the box as the page shows it in a frame.

        Corners that were not placed there yield to those that are, but for a frame in which the
        box is begun: its other corners are still to be placed.
        """
        corners = self.clicks.get(number, np.full((NUM_CORNERS, 2), np.nan)).copy()
        is_soft = self.soft.get(number, np.zeros(NUM_CORNERS, dtype=bool)).copy()
        is_begun = number in self.clicks if is_moved else set(self.clicks) == {number}
        if solution is not None and (not is_begun or is_soft.any()):
            is_soft |= np.isnan(corners[:, 0])
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
    if not item.has('frames'):
        raise item.error('frames', 'must hold eight corners by the number of a frame')
    frames, content = item.fields('frames'), item.rest(('frames', 'removed', 'soft'))
    content = {'id': f'box-{place}', **content}
    said = parse_box(_fields(item, content, [None] * NUM_CORNERS), motion.image_wh)
    numbers = set(motion.by_number)
    clicks: dict[int, np.ndarray] = {}
    for key, corners in frames.rest(()).items():
        if not (key.isdecimal() and len(key) < 10 and int(key) in numbers):
            raise DataError(
                'is no frame that is used',
                place=frames.place(key),
                advice=f'Take another one, such as {_near(key, numbers)}',
            )
        box = parse_box(_fields(item, content, corners), motion.image_wh)
        if _any(box.corners):
            clicks[int(key)] = box.corners
    return VideoBox(said, clicks, _parse_soft(item, clicks), item.get('removed') is True)


def _parse_soft(item: JsonFields, clicks: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    if not item.has('soft'):
        return {}
    fields = item.fields('soft')
    rows = {key: value for key, value in fields.rest(()).items() if key in map(str, clicks)}
    for key, flags in rows.items():
        if not isinstance(flags, list) or len(flags) != NUM_CORNERS:
            raise fields.error(key, 'must be a list of eight booleans')
    return {int(key): np.array([flag is True for flag in flags]) for key, flags in rows.items()}


def _fields(item: JsonFields, content: dict[str, Any], corners: Any) -> JsonFields:
    place = item.place('')
    return JsonFields({**content, 'corners': corners}, str(place.path), place.field)


def _near(key: str, numbers: set[int]) -> str:
    wanted = int(key) if key.isdecimal() and len(key) < 10 else 0
    near = sorted(sorted(numbers, key=lambda number: abs(number - wanted))[:3])
    return ' or '.join(map(str, near))


@dataclass(frozen=True)
class Placement:
    """Where the boxes of a video are.

    Attributes:
        motion: The cameras, in metres or in heights of the first box.
        is_metric: Whether that unit is the metre.
        solutions: By id of the box; without those that have no pose yet.
        followed: Of objects that move, by id of the box and number of the frame.
    """

    motion: Motion
    is_metric: bool
    solutions: Mapping[str, JointSolution]
    followed: Mapping[str, Mapping[int, FollowedPose]] = field(default_factory=dict)

    def seen(self, box: VideoBox, number: int) -> CuboidSolution | None:
        """Return a box as the camera of a frame sees it, None if it has no pose."""
        found, frame = self.solutions.get(box.said.id), self.motion.by_number[number]
        if found is None:
            return None
        pose: np.ndarray | None = found.poses_world[0]
        if self.motion.is_moved and number in box.keys:
            pose = found.poses_world[box.keys.index(number)]
        elif self.motion.is_moved:
            followed = self.followed.get(box.said.id, {}).get(number)
            pose = None if followed is None else followed.cv_from_object
        if pose is None:
            return None
        seen = found.seen(view_of(frame, self.motion.image_wh), pose)
        if not self.motion.is_moved:
            return seen
        start = np.concatenate([cv2.Rodrigues(seen.rotation)[0].ravel(), seen.location_cv])
        return replace(seen, state=start)

    def doubt(self, box: VideoBox, number: int) -> str:
        """Return why the pose of a box in a frame is doubtful or unknown, empty if it is sure."""
        if not self.motion.is_moved or number in box.keys:
            return ''
        pose = self.followed.get(box.said.id, {}).get(number)
        return LOST if pose is None else pose.reason


def view_of(
    frame: Frame,
    image_wh: tuple[int, int],
    corners: np.ndarray | None = None,
    is_soft: np.ndarray | None = None,
) -> BoxView:
    """Return the view of a frame with the corners that were placed in it, none by default."""
    no_soft = np.zeros(NUM_CORNERS, dtype=bool)
    return BoxView(
        corners_image=np.full((NUM_CORNERS, 2), np.nan) if corners is None else corners,
        image_wh=image_wh,
        intrinsics=frame.intrinsics,
        distortion=frame.distortion,
        cv_from_world=frame.cv_from_world,
        trust=np.where(no_soft if is_soft is None else is_soft, SOFT_TRUST, 1.0),
    )


def problem_of(box: VideoBox, motion: Motion) -> JointProblem:
    """Return what is known of a box."""
    numbers = box.keys if motion.is_moved else sorted(box.clicks)
    return JointProblem(
        views=[
            view_of(
                motion.by_number[number],
                motion.image_wh,
                box.clicks[number],
                box.soft.get(number),
            )
            for number in numbers
        ],
        dims=box.said.sizes,
        is_metric=motion.is_metric,
        is_moved=motion.is_moved,
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
    counted = [
        box for box in boxes if (box.keys if motion.is_moved else box.clicks) and not box.is_removed
    ]
    metric = motion
    is_metric = motion.is_metric
    if not (motion.is_metric or motion.is_moved) and counted:
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
    followed = {} if before is None else before.followed
    return Placement(metric, is_metric, solutions, followed)


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
