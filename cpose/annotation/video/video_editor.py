"""One box for all frames: what the page reads and changes, and what follows for every frame."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import RLock
from typing import Any

import cv2
import numpy as np

from cpose.annotation.cuboid_solver import CuboidSolution
from cpose.annotation.server.base import Proposer
from cpose.annotation.server.boxes import NOTE, Box, ground_plane, parse_box, plane_content
from cpose.annotation.server.cameras import PictureCamera
from cpose.annotation.server.pictures import WRITER, ConflictError, Document, Picture
from cpose.annotation.video.following import BoxFollower, FollowedPose
from cpose.annotation.video.joint_solver import solve_joint
from cpose.annotation.video.model_search import find_among
from cpose.annotation.video.motion import Frame
from cpose.annotation.video.video_boxes import (
    Placement,
    VideoBox,
    place_boxes,
    problem_of,
    view_of,
)
from cpose.annotation.video.video_folder import LEFT_OUT_BY_HAND, Said, VideoFolder
from cpose.files.json_files import JsonFields
from cpose.geometry.symmetry import quarter_turn_order

LEAST_INSIDE = 0.25
"""Share of a box that must be in the picture for the frame to be used."""
SAME_CORNER = 0.5
"""Pixels."""


class VideoEditor:
    """Read and change what is said of a video.

    What is said is on the disk when a change returns. The annotations of all frames follow in the
    background, or when the folder is opened the next time.

    Args:
        folder: The video.
        build_proposer: Makes what finds boxes in a frame, of this editor; None without a model.
    """

    is_video = True

    def __init__(
        self,
        folder: VideoFolder,
        build_proposer: Callable[['VideoEditor'], Proposer] | None = None,
    ) -> None:
        self.folder = folder
        self.proposer = None if build_proposer is None else build_proposer(self)
        self._said = folder.read_said()
        self._placement = place_boxes(self._said.boxes, folder.motion)
        self._revision = folder.revision()
        self._lock = RLock()
        self._writer = ThreadPoolExecutor(1, 'frames')
        self._written = self._writer.submit(self._write, self._revision)

    @property
    def is_writing(self) -> bool:
        """Whether annotations are still behind what was said."""
        return not self._written.done()

    def settle(self) -> dict[int, dict[str, Any] | str]:
        """Wait until all frames are written.

        Returns:
            For each number of a frame its annotation, or why it has none; empty where nothing was
            placed yet.

        Raises:
            OutputError: If a file cannot be written.
        """
        return self._written.result()

    def read(self, picture: Picture) -> Document:
        """Return what is known of a frame.

        Raises:
            DataError: If what another program wrote cannot be used.
        """
        with self._lock:
            self._follow()
            said, placement, revision = self._said, self._placement, self._revision
        number = self.folder.number_of(picture)
        boxes: tuple[Box, ...] = ()
        if number not in said.left_out:
            boxes = tuple(
                box.in_frame(number, placement.seen(box, number), placement.motion.is_moved)
                for box in said.boxes
                if not box.is_removed
            )
        camera = self._camera(self.folder.motion.by_number[number])
        is_told = self.folder.state(picture)['is_annotated']
        image_wh = self.folder.motion.image_wh
        return Document(picture, image_wh, camera, boxes, is_told, revision)

    def known_cameras(
        self, picture: Picture, content: Mapping[str, Any] | None, image_wh: tuple[int, int]
    ) -> dict[str, PictureCamera]:
        """Return the one camera that a frame has."""
        camera = self._camera(self.folder.motion.by_number[self.folder.number_of(picture)])
        return {camera.source: camera}

    def change(self, picture: Picture, request: JsonFields) -> Document:
        """Bring what the page says of a frame to the disk: all frames follow.

        Args:
            picture: Which frame.
            request: ``revision``, ``objects`` and ``is_empty``: whether the frame shall be left
                out.

        Raises:
            ConflictError: If something was said meanwhile.
            DataError: If a value is wrong.
            OutputError: If a file cannot be written.
        """
        with self._lock:
            return self._change(picture, request)

    def _change(self, picture: Picture, request: JsonFields) -> Document:
        before = self.read(picture)
        if request.get('revision') != before.revision:
            raise ConflictError
        items = request.list_of_fields('objects')
        boxes = [parse_box(item, before.image_wh) for item in items]
        if len({box.id for box in boxes}) < len(boxes):
            raise request.error('objects', 'must have an id each of its own')
        number = self.folder.number_of(picture)
        said = self._changed(number, boxes, before.boxes, request.get('is_empty') is True)
        with self.folder.changing(before.revision):
            self.folder.write_said(said)
            self._take(said)
        return self.read(picture)

    def solve(self, picture: Picture, fields: JsonFields) -> CuboidSolution | None:
        """Return a box for corners that are not saved yet, together with those of other frames.

        Args:
            picture: In which frame.
            fields: ``box`` and ``start``: the state of an earlier solution.

        Raises:
            DataError: If a value is wrong.
        """
        motion, number = self._placement.motion, self.folder.number_of(picture)
        box = parse_box(fields.fields('box'), motion.image_wh)
        item = next((item for item in self._said.boxes if item.said.id == box.id), VideoBox(box))
        changed = self._with_corners(replace(item, said=box), number, box, is_new=False)
        if motion.is_moved:
            changed = replace(changed, clicks={number: box.corners})
        problem = problem_of(changed, motion)
        before = self._placement.solutions.get(box.id)
        if motion.is_moved and before is not None:
            problem = replace(problem, dims=before.dims)
        if not problem.views:
            return None
        start = fields.get('start')
        solution = solve_joint(
            problem,
            np.array(start, dtype=np.float64) if isinstance(start, list) else None,
            is_whole=False,
        )
        if solution is None:
            return None
        view = view_of(motion.by_number[number], motion.image_wh)
        return solution.seen(view, solution.poses_world[0])

    def _changed(
        self, number: int, boxes: Sequence[Box], shown: Sequence[Box], is_left_out: bool
    ) -> Said:
        """Return what is said after a change in one frame."""
        said = self._said
        if is_left_out:
            return replace(said, left_out=said.left_out | {number})
        if number in said.left_out:  # it shows no boxes, so that nothing can be said of them
            return replace(said, left_out=said.left_out - {number})
        sent, before = {box.id: box for box in boxes}, {box.id: box for box in shown}
        known = {item.said.id for item in said.boxes}
        kept = []
        for item in [*said.boxes, *(VideoBox(box) for box in boxes if box.id not in known)]:
            box = sent.get(item.said.id)
            if box is None:
                kept.append(replace(item, is_removed=True))
                continue
            turned = item.turned(_quarters(before[box.id], box) if box.id in before else 0)
            changed = replace(turned, said=box, is_removed=False)
            kept.append(self._with_corners(changed, number, box, box.id not in known))
        return replace(said, boxes=tuple(kept))

    def _with_corners(self, item: VideoBox, number: int, box: Box, is_new: bool) -> VideoBox:
        """Return a box with the corners that the page sends of a frame.

        Those that were followed to there count a little, unless none is placed beside them.
        """
        if self.folder.motion.is_moved and not box.is_soft.all():
            return item.with_clicks(number, box.corners, box.is_soft)
        return item.with_clicks(number, _placed(box, is_new))

    def _follow(self) -> None:
        """Take what another program has said meanwhile."""
        if self.folder.revision() != self._revision:
            self._take(self.folder.read_said())

    def _take(self, said: Said) -> None:
        if self._written.done():
            self._written.result()
        self._placement = place_boxes(said.boxes, self.folder.motion, self._placement)
        self._said, self._revision = said, self.folder.revision()
        self._written = self._writer.submit(self._write, self._revision)

    def _write(self, revision: str) -> dict[int, dict[str, Any] | str]:
        """Write the annotations of all frames, unless something else is said by now."""
        said, placement = self._said, self._placement
        if placement.motion.is_moved:
            placement = self._follow_boxes(said, placement, lambda: revision == self._revision)
        contents = {}
        for frame in self.folder.motion.frames:
            if revision != self._revision:
                return {}
            contents[frame.number] = self._content(frame.number, said, placement)
        self.folder.write_pairs(contents)
        return contents

    def _follow_boxes(
        self, said: Said, placement: Placement, is_wanted: Callable[[], bool]
    ) -> Placement:
        """Follow objects that move to all frames, and show where they are."""
        followed: dict[str, dict[int, FollowedPose]] = {}
        frames = placement.motion.frames
        for box in said.boxes:
            solution = placement.solutions.get(box.said.id)
            if solution is None or box.is_removed:
                continue
            find_again = None if self.proposer is None else partial(self._find_again, solution.dims)
            follower = BoxFollower(frames, self._read_frame, solution.dims, find_again, is_wanted)
            placed = dict(zip(box.keys, solution.poses_world, strict=True))
            followed[box.said.id] = follower.follow(placed)
        placement = replace(placement, followed=followed)
        with self._lock:
            if is_wanted():
                self._placement = placement
        return placement

    def _find_again(self, dims: np.ndarray, frame: Frame, last: np.ndarray) -> np.ndarray | None:
        assert self.proposer is not None
        proposals = self.proposer(self.folder.picture_of(frame.number))
        return find_among(proposals, frame, self.folder.motion.image_wh, dims, last)

    def _read_frame(self, frame: Frame) -> np.ndarray:
        return self.folder.read_frame(frame.number).image

    def _camera(self, frame: Frame) -> PictureCamera:
        source = self.folder.motion.intrinsics_source
        return PictureCamera(source, frame.intrinsics, frame.distortion)

    def _content(self, number: int, said: Said, placement: Placement) -> dict[str, Any] | str:
        """Return the annotation of a frame, or why there is none."""
        counted = [
            box for box in said.boxes if not box.is_removed and box.said.id in placement.solutions
        ]
        if not counted:
            return ''
        if number in said.left_out:
            return LEFT_OUT_BY_HAND
        doubts = [placement.doubt(box, number) for box in counted]
        if any(doubts):
            return max(doubts)
        is_moved = placement.motion.is_moved
        seen = [box.in_frame(number, placement.seen(box, number), is_moved) for box in counted]
        shares = [share_inside(box, self.folder.motion.image_wh) for box in seen]
        if max(shares) < LEAST_INSIDE:
            return 'box is not in the picture'
        objects = [
            replace(box, visibility=min(box.visibility, round(share, 3)))
            for box, share in zip(seen, shares, strict=True)
            if share >= LEAST_INSIDE
        ]
        frame = placement.motion.by_number[number]
        content = {
            'annotated_with': WRITER,
            'camera_data': self._camera(frame).to_content(placement.motion.image_wh),
            **_plane(placement, frame, objects),
            'objects': [box.to_object(place) for place, box in enumerate(objects)],
        }
        for item in content['objects']:
            if not placement.motion.is_moved:
                item[NOTE]['unit'] = 'metre' if placement.is_metric else 'height'
        return content


def _placed(box: Box, is_new: bool = False) -> np.ndarray:
    """Return (8, 2) the corners that were placed, NaN for those that only show the box.

    All corners of a new box count that a model has found.
    """
    if is_new and box.is_soft.all():
        return box.corners
    return np.where(box.is_soft[:, None], np.nan, box.corners)


def _quarters(before: Box, after: Box) -> int:
    """Return by how many quarters the labelling of a box was turned, 0 if it was not."""
    orders = [quarter_turn_order(turns)[1:] - 1 for turns in range(4)]
    matches = (
        turns
        for turns, order in enumerate(orders)
        if np.allclose(before.corners[order], after.corners, 0, SAME_CORNER, equal_nan=True)
    )
    return next(matches, 0)


def share_inside(box: Box, image_wh: tuple[int, int]) -> float:
    """Return which share of the outline of a posed box is in the picture.

    It is 0 for a box that is not wholly in front of the camera.
    """
    assert box.solution is not None
    if box.solution.keypoints_gl[:, 2].max() >= 0:
        return 0.0
    outline = cv2.convexHull(box.solution.keypoints_image[1:].astype(np.float32))
    width, height = image_wh
    picture = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    inside, _ = cv2.intersectConvexConvex(outline, picture)
    return float(inside / max(cv2.contourArea(outline), 1e-6))


def _plane(placement: Placement, frame: Frame, boxes: Sequence[Box]) -> dict[str, Any]:
    plane = placement.motion.plane_world
    if placement.motion.is_moved:
        return {}
    if plane is None:
        return ground_plane(boxes)
    rotation, shift = frame.cv_from_world[:3, :3], frame.cv_from_world[:3, 3]
    return plane_content(rotation @ plane[0] + shift, rotation @ plane[1])
