"""Scale from a plane that objects stand on: the ground below a camera, or a board of known size."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cpose.errors import check_number
from cpose.metric_scale.base import Cuboid, Found, KnownLength, View
from cpose.metric_scale.board_pose import BoardPose, find_board_pose, read_pattern
from cpose.registry import SCALE_SOURCES
from cpose.structures.object_pose import PoseResult

NOT_BELOW = 'its base is not below the camera'


@SCALE_SOURCES.register_module()
class CameraHeight:
    """Take the height of the camera above the plane on which the objects stand.

    Assumed is that each object stands upright with its base on that plane. Without ``pitch_deg``
    the plane is that of the object's own base, so that rotations must be right.

    Args:
        metres: Height of the camera above the plane.
        std: Standard deviation of it; None takes 1 % of the height.
        pitch_deg: How far the camera looks down, degrees: 0 for a level camera, 90 straight down;
            None if it is not known.
        roll_deg: How far the camera is turned clockwise about its viewing direction, degrees; only
            with ``pitch_deg``.
        tilt_std_deg: Standard deviation of either angle.

    Raises:
        ConfigError: If a number is out of range.
    """

    name = 'camera_height'

    def __init__(
        self,
        metres: float,
        std: float | None = None,
        pitch_deg: float | None = None,
        roll_deg: float = 0.0,
        tilt_std_deg: float = 1.0,
    ) -> None:
        check_number('metres', metres, above=0.0)
        std = metres / 100 if std is None else std
        check_number('std', std, least=0.0)
        self.metres, self.std = metres, std
        self._up: np.ndarray | None = None
        if pitch_deg is not None:
            check_number('pitch_deg', pitch_deg, least=-90.0, most=90.0)
            check_number('roll_deg', roll_deg, least=-180.0, most=180.0)
            self._up = _up_of_camera(*np.radians([pitch_deg, roll_deg]))
        check_number('tilt_std_deg', tilt_std_deg, least=0.0)
        self._tilt_std = float(np.radians(tilt_std_deg))

    def find_lengths(self, result: PoseResult, view: View) -> list[Found]:
        """Return the height of the camera above the base of each pose."""
        return [self._find(Cuboid.of_pose(pose)) for pose in result.poses]

    def _find(self, cuboid: Cuboid) -> Found:
        of = partial(_height_above_base, up=self._up)
        height = of(cuboid)
        if height <= 0:
            return NOT_BELOW
        std = self.std / self.metres
        if self._up is not None:
            aside = np.linalg.norm(cuboid.base + height * self._up)
            std = np.hypot(std, self._tilt_std * aside / height)
        return [KnownLength(self.metres, float(self.metres * std), of)]


@SCALE_SOURCES.register_module()
class MarkerBoard:
    """Take a ChArUco board, chessboard or single ArUco marker that lies where the objects stand.

    Its place in the picture tells the plane in metres. Assumed is that the bases of the objects are
    on that plane, so a marker on the table, or fixed beside the objects.

    Args:
        board: JSON file of what was printed, see `read_pattern`, or its content.

    Raises:
        DataError: If the file cannot be used.
        ConfigError: If a value is out of range.
    """

    name = 'marker'

    def __init__(self, board: str | Path | Mapping[str, Any]) -> None:
        self._pattern = read_pattern(board)

    def find_lengths(self, result: PoseResult, view: View) -> list[Found]:
        """Return the distance of the board's plane by that of each pose's base."""
        assert result.intrinsics is not None
        board = find_board_pose(self._pattern, view.image, result.intrinsics, result.distortion)
        if isinstance(board, str):
            return [board] * len(result.poses)
        return [self._find(Cuboid.of_pose(pose), board) for pose in result.poses]

    def _find(self, cuboid: Cuboid, board: BoardPose) -> Found:
        of = partial(_height_above_base, up=board.up)
        if of(cuboid) <= 0:
            return NOT_BELOW
        return [KnownLength(board.height, board.height_std(cuboid.base), of)]


def _up_of_camera(pitch: float, roll: float) -> np.ndarray:
    """Return the direction away from the ground, (3,), OpenCV camera frame; angles in radians."""
    return np.array([-np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), -np.sin(pitch)])


def _height_above_base(cuboid: Cuboid, up: np.ndarray | None) -> float:
    """Return how high the camera is above the base, the object's own up without another."""
    return float(-(cuboid.up if up is None else up) @ cuboid.base)
