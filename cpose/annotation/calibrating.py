"""Determine a camera from views of a calibration board."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from cpose.annotation.board_views import View, choose_views
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError
from cpose.files.atomic import write_text_atomic
from cpose.files.outputs import MARK
from cpose.metric_scale.boards import Board

LEAST_VIEWS = 4
MOST_RESIDUAL = 3.0
"""Residual of a view that is left out, medians of all."""
SMALL_RESIDUAL = 0.3
"""Pixels; a view with less is always kept."""
LEAST_GAIN = 0.05
"""Share of the residual that a third radial coefficient must take away to be used."""
LEAST_TILT = 20.0
"""Degrees between the boards of two views that determine the focal length."""
MOST_FOCAL_ERROR = 0.01
"""Largest standard deviation of the focal length, relative."""
LEAST_COVERAGE = 0.5
"""Share of the image that the corners of all views should span."""
YAML_ENDINGS = ('.yaml', '.yml')


@dataclass(frozen=True)
class Calibration:
    """A camera and how well its views determine it.

    Attributes:
        intrinsics: (3, 3), pixels.
        distortion: k1 k2 p1 p2 k3.
        image_wh: Width and height of the pictures, pixels.
        rms: Root mean square distance of all corners, pixels.
        focal_std: Standard deviation of the two focal lengths, pixels.
        tilt: Largest angle between the boards of two views, degrees.
        coverage: Share of the image that the corners span.
        views: Those that were used.
        left_out: Those that fit badly.
    """

    intrinsics: np.ndarray
    distortion: np.ndarray
    image_wh: tuple[int, int]
    rms: float
    focal_std: tuple[float, float]
    tilt: float
    coverage: float
    views: tuple[View, ...]
    left_out: tuple[View, ...] = ()

    def doubts(self) -> list[str]:
        """Return what the views leave open, as predicates of a sentence."""
        found = []
        relative = max(np.array(self.focal_std) / self.intrinsics[[0, 1], [0, 1]])
        reason = ''
        if self.tilt < LEAST_TILT:
            reason = f'the board is tilted by {self.tilt:.0f}° between them at most'
        elif not relative < MOST_FOCAL_ERROR:
            reason = f'it is uncertain by {100 * relative:.1f} %'
        if reason:
            found.append(
                f'are too alike to determine the focal length: {reason}. Add views with the '
                'board tilted by 30° to 50° to several sides'
            )
        if self.coverage < LEAST_COVERAGE:
            found.append(
                f'cover {100 * self.coverage:.0f} % of the image, so the distortion near its edges '
                'is a guess. Add views with the board at the edges and corners of the image'
            )
        return found


def calibrate(views: Sequence[View], board: Board, source: str) -> Calibration:
    """Determine the camera; views that fit badly are left out once.

    Args:
        views: See `find_views`.
        board: What they show.
        source: Folder or video, for messages.

    Raises:
        DataError: If too few views show the board, or their sizes differ.
    """
    seen = [view for view in views if len(view.ids)]
    _check_views(seen, len(views), source)
    chosen = choose_views(seen, board)
    _check_count(len(chosen), source)
    first = _solve(chosen, board, source)
    limit = max(
        SMALL_RESIDUAL, MOST_RESIDUAL * float(np.median([view.residual for view in first.views]))
    )
    kept = [view for view in first.views if view.residual <= limit]
    if len(kept) == len(chosen) or len(kept) < LEAST_VIEWS:
        return first
    left_out = tuple(view for view in first.views if view.residual > limit)
    return replace(_solve(kept, board, source), left_out=left_out)


def tell_unseen(source: str, total: int) -> DataError:
    """Return the error of a folder or video in whose ``total`` pictures there is no board."""
    return DataError(
        f'shows the board in none of {total} pictures',
        argument='inputs',
        place=FilePlace(source),
        advice='Check {kind}, {squares}, {square_mm} and {marker_mm}, and that the pictures '
        'are sharp and show a white rim around the board',
    )


def _check_views(seen: Sequence[View], total: int, source: str) -> None:
    if not seen:
        raise tell_unseen(source, total)
    for view in seen:
        if view.image_wh != seen[0].image_wh:
            new, old = (f'{width}×{height}' for width, height in (view.image_wh, seen[0].image_wh))
            raise DataError(
                f'has {new} pixels, but {seen[0].path} has {old}',
                argument='inputs',
                place=FilePlace(view.path),
                advice='Give pictures of one camera, held the same way',
            )
    _check_count(len(seen), source)


def _check_count(count: int, source: str) -> None:
    if count < LEAST_VIEWS:
        raise DataError(
            f'shows too few different views of the board: {count} of the {LEAST_VIEWS} needed',
            argument='inputs',
            place=FilePlace(source),
            advice='Take 15 to 30 pictures, with the board tilted to all sides',
        )


def _solve(views: Sequence[View], board: Board, source: str) -> Calibration:
    """Fit with two radial coefficients, or with three where they explain clearly more."""
    first = _fit(views, board, source, cv2.CALIB_FIX_K3)
    second = _fit(views, board, source, 0)
    return second if second.rms < (1 - LEAST_GAIN) * first.rms else first


def _fit(views: Sequence[View], board: Board, source: str, flags: int) -> Calibration:
    image_wh = views[0].image_wh
    objects = [board.corners_mm[view.ids] for view in views]
    points = [view.points[:, None] for view in views]
    rms, matrix, distortion, turns, _, deviations, _, residuals = cv2.calibrateCameraExtended(
        objects, points, image_wh, np.eye(3), np.zeros(5), flags=flags
    )
    if not (np.isfinite(matrix).all() and np.isfinite(distortion).all()):
        raise DataError(
            'does not determine a camera: no solution was found',
            argument='inputs',
            place=FilePlace(source),
            advice='Take pictures with the board tilted to all sides',
        )
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])
    hull = cv2.convexHull(np.concatenate([view.points for view in views]))
    measured = zip(views, np.ravel(residuals), strict=True)
    return Calibration(
        np.asarray(matrix),
        np.ravel(distortion)[:5],
        image_wh,
        float(rms),
        (float(deviations[0, 0]), float(deviations[1, 0])),
        float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1).min()))),
        cv2.contourArea(hull) / (image_wh[0] * image_wh[1]),
        tuple(replace(view, residual=float(residual)) for view, residual in measured),
    )


def check_yaml_name(path: str | Path) -> None:
    """Raise if a camera file would not be read as YAML.

    Raises:
        ConfigError: If its name ends otherwise.
    """
    if Path(path).suffix.lower() not in YAML_ENDINGS:
        raise ConfigError(f'must end in {" or ".join(YAML_ENDINGS)}', argument='out', value=path)


def write_camera(path: str | Path, found: Calibration) -> None:
    """Write a camera file in the format of ROS ``camera_info``, atomically.

    Raises:
        OutputError: If it cannot be written.
    """
    projection = np.column_stack([found.intrinsics, np.zeros(3)])
    lines = [
        f'# {MARK.decode()} calibrate: {len(found.views)} views, RMS {found.rms:.3f} pixels',
        f'image_width: {found.image_wh[0]}',
        f'image_height: {found.image_wh[1]}',
        'camera_name: camera',
        _matrix('camera_matrix', found.intrinsics),
        'distortion_model: plumb_bob',
        _matrix('distortion_coefficients', found.distortion[None]),
        _matrix('rectification_matrix', np.eye(3)),
        _matrix('projection_matrix', projection),
    ]
    write_text_atomic(path, '\n'.join([*lines, '']))


def _matrix(name: str, values: np.ndarray) -> str:
    rows, columns = values.shape
    return f'{name}: {{rows: {rows}, cols: {columns}, data: {values.ravel().tolist()}}}'
