"""Read where the camera was from a reconstruction: COLMAP, ``transforms.json``, Stray Scanner.

``transforms.json`` is the file of nerfstudio and instant-ngp, which apps for ARKit write too: poses
map OpenGL's camera frame (x right, y up, z back) to the world. Stray Scanner records ARKit's poses
with a video: ``camera_matrix.csv``, and ``odometry.csv`` with position and quaternion of OpenCV's
camera frame in the world by number of the frame, in metres.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.video.camera_motion.colmap_model import (
    PIXEL_SHIFT,
    is_colmap_model,
    read_colmap_model,
)
from cpose.annotation.video.camera_motion.posed_images import PosedImage, Reconstruction
from cpose.apis.inference.calibration import Camera
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.files.text_files import read_json, read_text
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import intrinsic_matrix

TRANSFORMS = 'transforms.json'
ODOMETRY, CAMERA_MATRIX = 'odometry.csv', 'camera_matrix.csv'
MOST_BYTES = 256 << 20
LENS = ('k1', 'k2', 'p1', 'p2', 'k3', 'k4', 'k5', 'k6')
PLAIN_MODELS = ('OPENCV', 'PINHOLE', 'SIMPLE_PINHOLE', 'SIMPLE_RADIAL', 'RADIAL', 'PERSPECTIVE')
CV_FROM_GL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera frames of OpenCV and OpenGL, for points."""
RIGID = 1e-3
"""Largest deviation of a rotation from one."""
SUBFOLDERS = ('', 'sparse/0', 'sparse', 'colmap/sparse/0', '0')
"""Where a model lies in the folder of a project."""


def read_reconstruction(path: str | Path) -> Reconstruction:
    """Read a reconstruction.

    Args:
        path: A folder with a model of COLMAP or a recording of Stray Scanner, ``transforms.json``,
            or its folder.

    Raises:
        DataError: If it is none, is damaged, or has no image.
    """
    root = Path(path)
    found = _read(root)
    if not found.images:
        raise DataError(
            'has no image with a pose',
            argument='reconstruction',
            place=FilePlace(path),
            advice='Give another {reconstruction}',
        )
    return found


def _read(root: Path) -> Reconstruction:
    if root.suffix.lower() == '.json':
        return Reconstruction(read_transforms(root), False, str(root))
    for name in SUBFOLDERS:
        if is_colmap_model(root / name):
            return Reconstruction(read_colmap_model(root / name), False, str(root / name))
    if (root / TRANSFORMS).is_file():
        return Reconstruction(read_transforms(root / TRANSFORMS), False, str(root / TRANSFORMS))
    if (root / ODOMETRY).is_file():
        return Reconstruction(read_stray_scan(root), True, str(root), has_frame_numbers=True)
    raise DataError(
        'is no reconstruction' if root.exists() else 'does not exist',
        argument='reconstruction',
        place=FilePlace(root),
        advice='Give a folder with cameras.bin and images.bin of COLMAP, or with their text files, '
        'a transforms.json, or a folder of Stray Scanner',
    )


def read_transforms(path: Path) -> list[PosedImage]:
    """Return the images of a ``transforms.json``.

    Raises:
        DataError: If it cannot be read, a field is wrong, or a lens is none of OpenCV's model.
    """
    root = JsonFields(read_json(path, MOST_BYTES), str(path))
    images = []
    for item in root.list_of_fields('frames'):
        world_from_gl = _pose_matrix(item)
        camera = _transforms_camera(item, root, path)
        cv_from_world = CV_FROM_GL @ _inverse(world_from_gl)
        name = str(item.value('file_path')).removeprefix('./')
        images.append(PosedImage(name, camera, cv_from_world))
    return images


def _pose_matrix(item: JsonFields) -> np.ndarray:
    rows = item.value('transform_matrix')
    count = len(rows) if isinstance(rows, list) else 4
    matrix = item.array('transform_matrix', (3 if count == 3 else 4, 4))[:3]
    turn = matrix[:, :3]
    is_rigid = np.abs(turn.T @ turn - np.eye(3)).max() < RIGID and np.linalg.det(turn) > 0
    if not is_rigid:
        raise item.error('transform_matrix', 'must be a rotation and a translation')
    return np.concatenate([matrix, [[0.0, 0.0, 0.0, 1.0]]])


def _transforms_camera(item: JsonFields, root: JsonFields, path: Path) -> Camera:
    """Return the camera of a frame: its own values count before those of the file."""
    holders = (item, root)
    model = str(_first(holders, 'camera_model') or 'OPENCV').upper()
    if model not in PLAIN_MODELS or _first(holders, 'is_fisheye') is True:
        name = 'fisheye' if _first(holders, 'is_fisheye') is True else model
        raise DataError(
            f'has a camera of the model {name}, whose distortion is not known here',
            place=FilePlace(path),
            advice='Undistort the pictures, or take another lens model',
        )
    width, height = (_number(holders, name) for name in ('w', 'h'))
    if width is None or height is None:
        raise root.error('w' if width is None else 'h', 'must be the size of the pictures, pixels')
    fx = _focal(holders, 'x', width)
    fy = _focal(holders, 'y', height) or fx
    if fx is None or fy is None or not (fx > 0 and fy > 0):
        raise root.error('fl_x', 'must be a focal length, pixels')
    cx, cy = (_number(holders, name) for name in ('cx', 'cy'))
    intrinsics = intrinsic_matrix(
        fx,
        fy,
        (width / 2 if cx is None else cx) - PIXEL_SHIFT,
        (height / 2 if cy is None else cy) - PIXEL_SHIFT,
    )
    lens = [_number(holders, name) or 0.0 for name in LENS]
    lens = lens if any(lens[4:]) else lens[:4]
    distortion = np.array(lens) if any(lens) else None
    return Camera(intrinsics, distortion, (int(width), int(height)), str(path))


def _focal(holders: Sequence[JsonFields], axis: str, side: float) -> float | None:
    focal = _number(holders, f'fl_{axis}')
    angle = _number(holders, f'camera_angle_{axis}')
    if focal is None and angle is not None and 0 < angle < np.pi:
        return float(side / 2 / np.tan(angle / 2))
    return focal


def _first(holders: Sequence[JsonFields], name: str) -> Any:
    return next((holder.get(name) for holder in holders if holder.has(name)), None)


def _number(holders: Sequence[JsonFields], name: str) -> float | None:
    holder = next((holder for holder in holders if holder.has(name)), None)
    return None if holder is None else float(holder.array(name, ()))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a rigid transform (4, 4)."""
    inverse = np.eye(4)
    inverse[:3, :3] = matrix[:3, :3].T
    inverse[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverse


def read_stray_scan(folder: Path) -> list[PosedImage]:
    """Return the frames of a recording of Stray Scanner.

    Raises:
        DataError: If a file cannot be read or a value is wrong.
    """
    rows = _rows(folder / CAMERA_MATRIX)
    found = [_numbers(row, folder / CAMERA_MATRIX, line) for line, row in rows]
    if [len(row) for row in found] != [3, 3, 3] or not (found[0][0] > 0 and found[1][1] > 0):
        raise DataError(
            'must hold the nine numbers of a camera matrix, pixels',
            place=FilePlace(folder / CAMERA_MATRIX),
            advice='Export the recording again',
        )
    numbers = np.array(found)
    camera = Camera(numbers, origin=str(folder / CAMERA_MATRIX))
    images = []
    for line, row in _rows(folder / ODOMETRY)[1:]:
        values = _numbers(row[2:9], folder / ODOMETRY, line)
        if len(values) != 7 or not np.linalg.norm(values[3:]) > 0:
            raise _wrong_line(folder / ODOMETRY, line)
        world_from_cv = np.eye(4)
        quaternion = np.array(values[3:])
        world_from_cv[:3, :3] = matrix_from_quaternion(quaternion / np.linalg.norm(quaternion))
        world_from_cv[:3, 3] = values[:3]
        images.append(PosedImage(row[1].strip(), camera, _inverse(world_from_cv)))
    return images


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    lines = csv.reader(read_text(path, MOST_BYTES).splitlines())
    try:
        return [(number, row) for number, row in enumerate(lines, 1) if row]
    except csv.Error as error:
        raise _wrong_line(path, lines.line_num) from error


def _numbers(row: Sequence[str], path: Path, line: int) -> list[float]:
    try:
        values = [float(word) for word in row]
    except ValueError as error:
        raise _wrong_line(path, line) from error
    if not np.isfinite(values).all():
        raise _wrong_line(path, line)
    return values


def _wrong_line(path: Path, line: int) -> DataError:
    return DataError(
        'is not as Stray Scanner writes it, expected numbers',
        place=FilePlace(path, line=line),
        advice='Export the recording again',
    )
