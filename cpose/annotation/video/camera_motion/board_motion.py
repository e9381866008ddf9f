"""The motion of a camera by a board that lies in view: metric, with the ground."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from cpose.annotation.board_views import View
from cpose.annotation.calibrating import calibrate, tell_unseen
from cpose.annotation.video.frames import (
    FrameNote,
    frame_name,
    note_sharpness,
    number_of,
    sharpest,
)
from cpose.annotation.video.motion import BOARD, Frame, Motion
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.metric_scale.board_pose import METRES, BoardPose, pose_corners
from cpose.metric_scale.boards import Board

UP = np.array([0.0, 0.0, -1.0])
"""Of a board: x runs right and y down on it, as seen from above."""
UNIT_PX = 800
"""Longer side of the pictures in whose pixels the following are."""
LARGEST_RESIDUAL = 1.2
"""Pixels: a board whose corners are off by more is not trusted."""
MOST_RESIDUAL = 3.0
"""The same, medians of all frames; the larger of both counts."""
LEAST_ERROR = 0.15
"""Pixels: corners are not taken for better than that."""
MOST_SPREAD = 2.0
"""Pixels: standard deviation, around the board, of what is placed by its pose."""
RIVAL = 1.6
"""Residual of the other pose of a plane, ones of the better pose: below, both are possible."""
REACH = 2.0
"""Outlines of the board within which an object is expected."""


def find_motion(
    images: Iterable[SourceImage],
    board: Board,
    camera: Camera | None,
    source: str,
    every: int = 1,
) -> tuple[Motion, list[FrameNote]]:
    """Find where the camera was in the frames of a video that shows a board.

    Args:
        images: All frames.
        board: What lies in view, and does not move.
        camera: Of the video; None determines it from the board.
        source: The video, for messages.
        every: Of each so many frames the sharpest is taken.

    Returns:
        The motion, and a note on each frame that was looked at.

    Raises:
        ConfigError: If the board looks the same from two sides.
        DataError: If no frame shows the board, or too few to determine the camera.
    """
    if not board.has_markers:
        raise ConfigError(
            'looks the same when it is turned by half',
            argument='kind',
            value=board.kind,
            advice='Take a board with markers, of cpose make-board',
        )
    views, notes = _look(images, board, every)
    seen = [view for view, note in zip(views, notes, strict=True) if not note.reason]
    if not any(len(view.ids) for view in seen):
        raise tell_unseen(source, len(views))
    known = _calibrate(seen, board, source) if camera is None else camera
    image_wh = seen[0].image_wh
    known = known.for_image(image_wh)
    poses = [
        None if note.reason else _pose(view, board, known)
        for view, note in zip(views, notes, strict=True)
    ]
    notes = _judge(poses, notes, board, known, max(image_wh) / UNIT_PX)
    frames = tuple(
        Frame(
            frame_name(note.number),
            note.number,
            known.intrinsics,
            known.distortion,
            pose.cv_from_board,
        )
        for pose, note in zip(poses, notes, strict=True)
        if pose is not None and not note.reason
    )
    if not frames:
        raise _no_sure_frame(source, notes)
    centre = np.array([*board.size_mm, 0.0]) / 2 * METRES
    return Motion(
        kind=BOARD,
        image_wh=image_wh,
        frames=frames,
        is_metric=True,
        intrinsics_source='board' if camera is None else 'file',
        plane_world=np.array([np.zeros(3), UP]),
        expected=centre,
    ), notes


def _look(
    images: Iterable[SourceImage], board: Board, every: int
) -> tuple[list[View], list[FrameNote]]:
    """Look for the board in the sharpest frames."""
    views, found = [], []
    for image, sharpness in sharpest(images, every):
        views.append(View(image.path, image.image_wh, *board.find(image.image)))
        found.append((number_of(image), sharpness))
    return views, note_sharpness(found)


def _calibrate(views: Sequence[View], board: Board, source: str) -> Camera:
    found = calibrate(views, board, source)
    for doubt in found.doubts():
        warnings.warn(
            f'The views in {source} {doubt}; or determine the camera by cpose calibrate before.',
            stacklevel=4,
        )
    return Camera(found.intrinsics, found.distortion, found.image_wh, source)


def _pose(view: View, board: Board, camera: Camera) -> BoardPose | None:
    """Return the pose of the board in a frame, None if it is not seen."""
    if not len(view.ids):
        return None
    corners = board.corners_mm[view.ids]
    return pose_corners(corners, view.points, camera.intrinsics, camera.distortion)


def _spread(pose: BoardPose, board: Board, camera: Camera, least_px: float) -> float:
    """Return the largest standard deviation of a point around the board, pixels."""
    width, height = np.array(board.size_mm) * METRES
    ends = np.array([(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * REACH + 0.5
    around = np.column_stack([ends * (width, height), np.full(4, -min(width, height) / 2)])
    turn, shift = pose.pose[:3], pose.pose[3:]
    _, by_point = cv2.projectPoints(around, turn, shift, camera.intrinsics, camera.distortion)
    covariance = pose.unit_covariance * max(pose.residual_px, least_px) ** 2
    variance = np.einsum('ij,jk,ik->i', by_point[:, :6], covariance, by_point[:, :6])
    return float(np.sqrt(variance.reshape(-1, 2).sum(axis=1).max()))


def _judge(
    poses: Sequence[BoardPose | None],
    notes: Sequence[FrameNote],
    board: Board,
    camera: Camera,
    unit: float,
) -> list[FrameNote]:
    """Note which poses cannot be trusted; ``unit`` is a pixel of a picture of `UNIT_PX`."""
    least = LEAST_ERROR * unit
    residuals = [pose.residual_px for pose in poses if pose is not None]
    limit = max(LARGEST_RESIDUAL * unit, MOST_RESIDUAL * float(np.median(residuals or [0.0])))

    def disagrees(pose: BoardPose) -> bool:
        return pose.residual_px > limit

    def is_ambiguous(pose: BoardPose) -> bool:
        return pose.rival_px < RIVAL * max(pose.residual_px, least)

    def is_small(pose: BoardPose) -> bool:
        return _spread(pose, board, camera, least) > MOST_SPREAD * unit

    rules = (
        ('corners of the board do not agree', disagrees),
        ('tilt of the board is ambiguous', is_ambiguous),
        ('board is seen too small', is_small),
    )
    judged = []
    for pose, note in zip(poses, notes, strict=True):
        if note.reason:
            judged.append(note)
        elif pose is None:
            judged.append(replace(note, reason='no board found'))
        else:
            reason = next((text for text, is_broken in rules if is_broken(pose)), '')
            judged.append(replace(note, reason=reason, residual_px=pose.residual_px))
    return judged


def _no_sure_frame(source: str, notes: Sequence[FrameNote]) -> DataError:
    reasons = [note.reason for note in notes]
    most = max(set(reasons), key=reasons.count)
    return DataError(
        f'shows the board surely in none of {len(notes)} frames; most often: {most}',
        argument='inputs',
        place=FilePlace(source),
        advice='Hold the camera so that the board fills a quarter of the picture, from 30° to 60° '
        'above it',
    )
