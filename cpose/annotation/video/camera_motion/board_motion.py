"""The motion of a camera by a board that lies in view: metric, with the ground."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

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
from cpose.geometry.projection import undistort_points
from cpose.metric_scale.boards import Board

METRES = 1e-3
"""Per unit of a board."""
UP = np.array([0.0, 0.0, -1.0])
"""Of a board: x runs right and y down on it, as seen from above."""
LARGEST_RESIDUAL = 1.2
"""Pixels at a longer side of 800: a board whose corners are off by more is not trusted."""
MOST_RESIDUAL = 3.0
"""The same, medians of all frames; the larger of both counts."""
LEAST_ERROR = 0.15
"""Pixels at 800: corners are not taken for better than that."""
MOST_SPREAD = 2.0
"""Pixels at 800: standard deviation, around the board, of what is placed by its pose."""
RIVAL = 1.6
"""Residual of the other pose of a plane, ones of the better pose: below, both are possible."""
REACH = 2.0
"""Outlines of the board within which an object is expected."""


@dataclass(frozen=True)
class BoardPose:
    """Where a board is seen.

    Attributes:
        cv_from_world: (4, 4), metres.
        residual_px: RMS distance of its corners, pixels.
        spread_px: Largest standard deviation of a point around the board, pixels.
        is_ambiguous: Whether the board may as well be tilted the other way.
    """

    cv_from_world: np.ndarray
    residual_px: float
    spread_px: float
    is_ambiguous: bool


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
    known = known.for_image(seen[0].image_wh)
    poses = [
        None if note.reason else _pose(view, board, known)
        for view, note in zip(views, notes, strict=True)
    ]
    notes = _judge(poses, notes, seen[0].image_wh)
    frames = tuple(
        Frame(
            frame_name(note.number),
            note.number,
            known.intrinsics,
            known.distortion,
            pose.cv_from_world,
        )
        for pose, note in zip(poses, notes, strict=True)
        if pose is not None and not note.reason
    )
    if not frames:
        raise _no_sure_frame(source, notes)
    centre = np.array([*board.size_mm, 0.0]) / 2 * METRES
    return Motion(
        kind=BOARD,
        image_wh=seen[0].image_wh,
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
    corners = board.corners_mm[view.ids].astype(np.float64) * METRES
    points = view.points.astype(np.float64)
    lens = camera.distortion
    straight = points if lens is None else undistort_points(points, camera.intrinsics, lens)
    if not np.isfinite(straight).all():
        return None
    _, turns, shifts, _ = cv2.solvePnPGeneric(
        corners, straight, camera.intrinsics, None, flags=cv2.SOLVEPNP_IPPE
    )
    found = []
    for turn, shift in zip(turns, shifts, strict=True):
        turn, shift = cv2.solvePnPRefineLM(corners, points, camera.intrinsics, lens, turn, shift)
        seen, by_pose = cv2.projectPoints(corners, turn, shift, camera.intrinsics, lens)
        rms = float(np.sqrt(np.square(seen.reshape(-1, 2) - points).sum(axis=1).mean()))
        found.append((rms, turn, shift, by_pose[:, :6]))
    found.sort(key=lambda item: item[0])
    rms, turn, shift, by_pose = found[0]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = cv2.Rodrigues(turn)[0], shift.ravel()
    least = LEAST_ERROR * _unit(view.image_wh)
    is_ambiguous = len(found) > 1 and found[1][0] < RIVAL * max(rms, least)
    spread = _spread(board, camera, turn, shift, by_pose, max(rms, least))
    return BoardPose(matrix, rms, spread, is_ambiguous and _is_other(turn, found[1][1]))


def _is_other(first: np.ndarray, second: np.ndarray) -> bool:
    """Tell whether two rotations differ by more than two degrees."""
    between = cv2.Rodrigues(first)[0].T @ cv2.Rodrigues(second)[0]
    return bool(np.trace(between) < 1 + 2 * np.cos(np.radians(2)))


def _spread(
    board: Board,
    camera: Camera,
    turn: np.ndarray,
    shift: np.ndarray,
    by_pose: np.ndarray,
    sigma: float,
) -> float:
    """Return the largest standard deviation of a point around the board, pixels."""
    width, height = np.array(board.size_mm) * METRES
    ends = np.array([(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * REACH + 0.5
    around = np.column_stack([ends * (width, height), np.full(4, -min(width, height) / 2)])
    _, by_point = cv2.projectPoints(around, turn, shift, camera.intrinsics, camera.distortion)
    covariance = np.linalg.pinv(by_pose.T @ by_pose) * sigma**2
    variance = np.einsum('ij,jk,ik->i', by_point[:, :6], covariance, by_point[:, :6])
    return float(np.sqrt(variance.reshape(-1, 2).sum(axis=1).max()))


def _judge(
    poses: Sequence[BoardPose | None], notes: Sequence[FrameNote], image_wh: tuple[int, int]
) -> list[FrameNote]:
    """Note which poses cannot be trusted."""
    unit = _unit(image_wh)
    residuals = [pose.residual_px for pose in poses if pose is not None]
    limit = max(LARGEST_RESIDUAL * unit, MOST_RESIDUAL * float(np.median(residuals or [0.0])))
    rules: tuple[tuple[str, Callable[[BoardPose], bool]], ...] = (
        ('corners of the board do not agree', lambda pose: pose.residual_px > limit),
        ('tilt of the board is ambiguous', lambda pose: pose.is_ambiguous),
        ('board is seen too small', lambda pose: pose.spread_px > MOST_SPREAD * unit),
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


def _unit(image_wh: tuple[int, int]) -> float:
    return max(image_wh) / 800


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
