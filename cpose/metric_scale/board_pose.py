"""Where a printed pattern of known size is, in metres."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, check_number, errors_of_file, nearest_names
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.geometry.projection import undistort_points
from cpose.metric_scale.boards import Board

LEAST_PIXEL_STD = 0.2
"""Standard deviation of a corner that fits perfectly, pixels."""
METRES = 1e-3
"""Per unit of a pattern."""
STEP = 1e-5
DICTIONARIES = tuple(name[5:] for name in sorted(vars(cv2.aruco)) if name.startswith('DICT_'))
FIELDS = {
    'charuco': {'squares', 'square_mm', 'marker_mm'},
    'chessboard': {'squares', 'square_mm'},
    'aruco': {'squares', 'square_mm', 'marker_mm'},
    'marker': {'id', 'marker_mm', 'dictionary'},
}
"""What a file says of each kind, beside ``kind``."""


@dataclass(frozen=True)
class SingleMarker:
    """One ArUco marker.

    Attributes:
        id: Its number.
        marker_mm: Side of its black square.
        dictionary: Name of OpenCV's dictionary, without ``DICT_``.

    Raises:
        ConfigError: If a value is out of range.
    """

    id: int
    marker_mm: float
    dictionary: str = '5X5_250'

    def __post_init__(self) -> None:
        check_number('marker_mm', self.marker_mm, above=0.0)
        if self.dictionary not in DICTIONARIES:
            raise ConfigError(
                'is no dictionary of ArUco markers',
                argument='dictionary',
                value=self.dictionary,
                advice=nearest_names(str(self.dictionary), DICTIONARIES),
            )
        count = len(self._dictionary.bytesList)
        check_number('id', self.id, least=0, most=count - 1, is_whole=True)

    @property
    def corners_mm(self) -> np.ndarray:
        """Return its corners (4, 3), clockwise from its upper left one, z = 0."""
        square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
        return square * np.float32(self.marker_mm)

    @property
    def _dictionary(self) -> cv2.aruco.Dictionary:
        return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f'DICT_{self.dictionary}'))

    @cached_property
    def _detector(self) -> cv2.aruco.ArucoDetector:
        parameters = cv2.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        return cv2.aruco.ArucoDetector(self._dictionary, parameters)

    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the marker in an image (H, W, 3), BGR; as `Board.find`."""
        found, ids, _ = self._detector.detectMarkers(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        for corners, number in zip(found, [] if ids is None else ids.ravel(), strict=True):
            if number == self.id:
                return np.arange(4), np.asarray(corners, np.float32).reshape(4, 2)
        return np.empty(0, np.intp), np.empty((0, 2), np.float32)


Pattern = Board | SingleMarker


@dataclass(frozen=True)
class BoardPose:
    """Where a pattern is.

    Attributes:
        pose: (6,) rotation vector and place, metres, OpenCV camera from board.
        unit_covariance: (6, 6) of it, for corners with a standard deviation of one pixel.
        residual_px: RMS distance of the corners from where the pose puts them, pixels.
        std_px: Standard deviation of a coordinate of a corner by that, pixels.
        rival_px: Residual of the other tilt at which a plane looks much the same, pixels; infinite
            if there is none.
    """

    pose: np.ndarray
    unit_covariance: np.ndarray
    residual_px: float
    std_px: float
    rival_px: float

    @property
    def covariance(self) -> np.ndarray:
        """Return that (6, 6) of the pose; corners are not taken for exact."""
        return np.asarray(self.unit_covariance * max(self.std_px, LEAST_PIXEL_STD) ** 2)

    @property
    def cv_from_board(self) -> np.ndarray:
        """Return the pose (4, 4), metres."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = cv2.Rodrigues(self.pose[:3])[0], self.pose[3:]
        return matrix

    @property
    def up(self) -> np.ndarray:
        """Return the normal (3,) of its plane on the side of the camera, OpenCV camera frame."""
        return _plane(self.pose)[0]

    @property
    def height(self) -> float:
        """Return the distance of the camera from its plane, metres."""
        return _plane(self.pose)[1]

    def height_std(self, base: np.ndarray) -> float:
        """Return the standard deviation of the height, by that of a point (3,) on the plane.

        An error of the normal changes both; what counts is their ratio.
        """

        def ratio(pose: np.ndarray) -> float:
            up, height = _plane(pose)
            return float(np.log(height / -(up @ base)))

        steps = np.eye(6) * STEP
        rises = [ratio(self.pose + step) - ratio(self.pose - step) for step in steps]
        slopes = np.array(rises) / (2 * STEP)
        return float(self.height * np.sqrt(slopes @ self.covariance @ slopes))


def _plane(pose: np.ndarray) -> tuple[np.ndarray, float]:
    """Return normal, on the side of the camera, and distance of a plane."""
    normal = cv2.Rodrigues(pose[:3])[0][:, 2]
    distance = float(-normal @ pose[3:])
    return (normal, distance) if distance > 0 else (-normal, -distance)


def read_pattern(board: str | Path | Mapping[str, Any]) -> Pattern:
    """Read what was printed.

    Args:
        board: A JSON file or its content: ``kind`` is ``charuco``, ``aruco`` or ``chessboard`` with
            ``squares`` (across, down), ``square_mm`` and ``marker_mm``, as in ``make-board``; or
            ``marker`` with ``id``, ``marker_mm`` and ``dictionary``. Lengths are as measured on
            paper.

    Raises:
        DataError: If the file cannot be read.
        ConfigError: If a value is wrong.
    """
    if isinstance(board, Mapping):
        return _build(dict(board))
    content = read_json(Path(board), MOST_BYTES)
    if not isinstance(content, dict):
        raise DataError(
            'is no JSON object',
            place=FilePlace(board),
            advice='Write {"kind": "charuco", "squares": [7, 5], "square_mm": 30, "marker_mm": 22}',
        )
    with errors_of_file(board):
        return _build(content)


def _build(content: dict[str, Any]) -> Pattern:
    kind = content.pop('kind', None)
    if not isinstance(kind, str) or kind not in FIELDS:
        raise ConfigError(f'must be one of {", ".join(FIELDS)}', argument='kind', value=kind)
    wrong = sorted(set(content) ^ FIELDS[kind] - ({'dictionary'} - set(content)))
    if wrong:
        raise ConfigError(
            f'has {", ".join(sorted(FIELDS[kind]))} beside it, and nothing else',
            argument='kind',
            value=kind,
            advice=f'Correct {", ".join(wrong)}',
        )
    if kind == 'marker':
        return SingleMarker(**content)
    squares = content['squares']
    if not isinstance(squares, list | tuple) or len(squares) != 2:
        raise ConfigError('must be two numbers', argument='squares', value=squares)
    for name in ('square_mm', 'marker_mm'):
        if name in content:
            check_number(name, content[name], above=0.0)
    for value in squares:
        check_number('squares', value, least=1, is_whole=True)
    return Board(kind, **{**content, 'squares': tuple(squares)})


def find_board_pose(
    pattern: Pattern, image: np.ndarray, intrinsics: np.ndarray, distortion: np.ndarray | None
) -> BoardPose | str:
    """Find a pattern in a picture.

    Args:
        pattern: What to look for.
        image: (H, W, 3) BGR uint8.
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients, None for a pinhole.

    Returns:
        Where it is, or why that is not known.
    """
    ids, points = pattern.find(image)
    if not len(ids):
        return 'the marker is not seen'
    found = pose_corners(pattern.corners_mm[ids], points, intrinsics, distortion)
    return 'the marker is seen where the lens is not known' if found is None else found


def pose_corners(
    corners_mm: np.ndarray,
    points: np.ndarray,
    intrinsics: np.ndarray,
    distortion: np.ndarray | None,
) -> BoardPose | None:
    """Find the pose of a plane that fits its corners best.

    A plane that is seen small has two poses that fit, tilted to opposite sides; both are refined.

    Args:
        corners_mm: (N, 3) on the plane z = 0, N at least 4.
        points: (N, 2) where they are seen, pixels.
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients, None for a pinhole.

    Returns:
        None if a corner is where the lens cannot be undone.
    """
    corners, points = corners_mm.astype(np.float64) * METRES, points.astype(np.float64)
    straight = points if distortion is None else undistort_points(points, intrinsics, distortion)
    if not np.isfinite(straight).all():
        return None
    starts = cv2.solvePnPGeneric(corners, straight, intrinsics, None, flags=cv2.SOLVEPNP_IPPE)[1:3]
    found = []
    for start in zip(*starts, strict=True):
        turn, shift = cv2.solvePnPRefineLM(corners, points, intrinsics, distortion, *start)
        seen, slopes = cv2.projectPoints(corners, turn, shift, intrinsics, distortion)
        squares = float(np.square(seen.reshape(-1, 2) - points).sum())
        found.append((squares, np.concatenate([turn, shift]).ravel(), slopes[:, :6]))
    found.sort(key=lambda item: item[0])
    squares, pose, slopes = found[0]
    rivals = [other for other in found[1:] if _is_other(pose, other[1])]
    return BoardPose(
        pose,
        np.linalg.pinv(slopes.T @ slopes),
        residual_px=float(np.sqrt(squares / len(points))),
        std_px=float(np.sqrt(squares / max(points.size - len(pose), 1))),
        rival_px=float(np.sqrt(rivals[0][0] / len(points))) if rivals else np.inf,
    )


def _is_other(first: np.ndarray, second: np.ndarray) -> bool:
    """Tell whether the rotations of two poses differ by more than two degrees."""
    turns = [cv2.Rodrigues(pose[:3])[0] for pose in (first, second)]
    return bool(np.trace(turns[0].T @ turns[1]) < 1 + 2 * np.cos(np.radians(2)))
