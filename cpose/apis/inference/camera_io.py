"""Cameras from numbers, calibration files, annotations or a guess."""

import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.calibration_formats import SCALARS, parse_calibration, parse_camera
from cpose.error_places import FilePlace, with_value
from cpose.errors import ConfigError, DataError, UserError
from cpose.files.text_files import MOST_BYTES, parse_yaml, read_json, read_text
from cpose.structures.camera import guess_intrinsics

CameraLike = Camera | SceneCameras | str | Path | Sequence[float] | np.ndarray
NUMBERS = 'Give FX FY CX CY in pixels, perhaps with SKEW as the fifth, or a 3×3 matrix'
OPENCV_YAML = ('%YAML:1.0', '!!opencv-matrix')
"""What keeps the files of OpenCV's FileStorage from being YAML."""
COMMENT = re.compile('#.*')
SEPARATORS = re.compile(r'[\s,;\[\]()]+')


class GuessWarning(UserError, UserWarning):  # noqa: N818  warned of, not raised
    """A camera was assumed that the user may know."""


class CameraFinder:
    """Give every image its camera.

    Args:
        camera: A camera for all images, see `make_camera`. With None each image takes the camera
            of the annotation beside it, and without one a guess, with one warning in all.
    """

    def __init__(self, camera: CameraLike | None = None) -> None:
        self._camera = None if camera is None else make_camera(camera)
        self._has_warned = False
        self._has_told_oddity = False

    def find(self, image_path: str, image_wh: tuple[int, int]) -> Camera:
        """Return the camera of an image.

        Args:
            image_path: File; for other images any text.
            image_wh: Width and height, pixels.

        Raises:
            DataError: If the annotation cannot be read or the camera is of another image size.
        """
        camera = self._camera or read_camera_beside(image_path)
        if isinstance(camera, SceneCameras):
            camera = camera.of_image(image_path)
        if camera is not None:
            camera = camera.for_image(image_wh)
            self._tell_oddity(camera, image_wh)
            return camera
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                GuessWarning(
                    f'No camera is known for {image_path}: a typical phone is assumed (focal '
                    'length 0.78 of the longer side), so distances are rough',
                    advice='Give fx, fy, cx and cy in pixels as {camera}',
                ),
                stacklevel=2,
            )
        return Camera(guess_intrinsics(image_wh), origin='guess', is_guessed=True)

    def _tell_oddity(self, camera: Camera, image_wh: tuple[int, int]) -> None:
        """Warn once of a camera that hardly belongs to its images."""
        oddity = '' if self._has_told_oddity else camera.find_oddity(image_wh)
        if oddity:
            self._has_told_oddity = True
            warnings.warn(
                f'{camera.origin}: {oddity}. Poses are wrong unless the camera is like that: check '
                'that its numbers are in pixels and of images of this size.',
                stacklevel=3,
            )


def make_camera(camera: CameraLike) -> Camera | SceneCameras:
    """Turn any accepted description into a camera, or into the cameras of a scene.

    Args:
        camera: fx, fy, cx, cy and perhaps the skew, pixels; a (3, 3) matrix; a file, see
            `read_camera_file`; or a `Camera`.

    Raises:
        ConfigError: If numbers are wrong.
        DataError: If a file is wrong.
    """
    if isinstance(camera, Camera | SceneCameras):
        return camera
    if isinstance(camera, str | Path):
        return read_camera_file(camera)
    try:
        values = np.array(camera, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            'is neither numbers nor a file', argument='camera', value=camera, advice=NUMBERS
        ) from error
    content: dict[str, Any]
    if values.shape == (3, 3):
        content = {'K': values.tolist()}
    elif values.shape in ((4,), (5,)):
        content = dict(zip(SCALARS, values.tolist(), strict=False))
    else:
        raise ConfigError(
            f'has {values.size} numbers of shape {values.shape}',
            argument='camera',
            value=camera,
            advice=NUMBERS,
        )
    try:
        return parse_camera(content, 'camera')
    except DataError as error:
        field = error.place.field if isinstance(error.place, FilePlace) else ''
        given = with_value(field, error.value)
        raise ConfigError(
            f'has {given}, which {error.problem}', argument='camera', value=camera, advice=NUMBERS
        ) from error


def read_camera_file(path: str | Path) -> Camera | SceneCameras:
    """Read a camera from JSON, YAML or a text of numbers.

    Known are fx, fy, cx, cy and skew; TAO's focal_length_x, principle_point_x and so on, also in
    the section ``inference`` of a spec; ROS camera_info (camera_matrix, K or k, with
    distortion_coefficients, D or d, roi and binning), also as OpenCV writes them; Kalibr; BOP's
    camera.json and scene_camera.json; Open3D; nine numbers of a 3×3 matrix; and annotation files.
    With width and height the camera is scaled to images of another size.

    Returns:
        The camera; those by the number of an image where a file has several that differ.

    Raises:
        DataError: If the file cannot be read, or a value is missing or wrong.
    """
    content = _read(Path(path))
    camera = parse_calibration(content, str(path))
    if camera is None:
        found = ', '.join(map(str, content)) if isinstance(content, dict) else repr(content)
        raise DataError(
            f'holds no camera (there is {found[:80]})',
            place=FilePlace(path),
            advice='Write fx, fy, cx and cy in pixels, or camera_matrix',
        )
    return camera


def read_camera_beside(image_path: str) -> Camera | None:
    """Return the camera of the annotation beside an image; other JSON files do not matter.

    Raises:
        DataError: If it cannot be read.
    """
    path = Path(image_path).with_suffix('.json') if Path(image_path).suffix else None
    if path is None or not path.is_file():
        return None
    content = read_json(path, MOST_BYTES)
    is_annotation = isinstance(content, dict) and isinstance(content.get('camera_data'), dict)
    found = parse_calibration(content, str(path)) if is_annotation else None
    return found if isinstance(found, Camera) else None


def _read(path: Path) -> Any:
    if path.suffix.lower() == '.json':
        return read_json(path, MOST_BYTES)
    text = read_text(path)
    numbers = _read_numbers(text)
    if numbers:
        return numbers
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        for mark in OPENCV_YAML:
            text = text.replace(mark, '')
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        reason = ' '.join(str(error).split())
        raise DataError(
            f'is neither JSON nor YAML: {reason}', place=FilePlace(path), advice='Correct the file'
        ) from error


def _read_numbers(text: str) -> list[float]:
    """Return the numbers of a text that holds nothing else, but for comments; else none."""
    words = SEPARATORS.split(COMMENT.sub('', text).strip())
    try:
        return [float(word) for word in words if word]
    except ValueError:
        return []
