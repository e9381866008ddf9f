"""A calibrated camera, and how calibration files describe one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cpose.datasets.annotations.annotation import parse_annotation
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.structures.camera import intrinsic_matrix

SCALAR_NAMES = (
    ('fx', 'fy', 'cx', 'cy'),
    ('focal_length_x', 'focal_length_y', 'principle_point_x', 'principle_point_y'),
    ('focal_length_x', 'focal_length_y', 'principal_point_x', 'principal_point_y'),
)
"""Spellings of fx, fy, cx, cy: plain, TAO's, TAO's corrected."""
MATRIX_NAMES = ('camera_matrix', 'intrinsics', 'K', 'k')
DISTORTION_NAMES = ('distortion_coefficients', 'distortion', 'D', 'd')
DISTORTION_LENGTHS = (4, 5, 8, 12, 14)
DISTORTION_MODELS = ('plumb_bob', 'rational_polynomial', 'pinhole', 'none', '')
SIZE_NAMES = (('width', 'height'), ('image_width', 'image_height'))
SECTIONS = ('inference', 'evaluate', 'camera', 'intrinsics')
"""Parts of a file in which a camera is looked for, besides its top level."""
SAME_ASPECT = 0.01
"""Largest relative difference of the scales of width and height of a resized image."""


@dataclass(frozen=True)
class Camera:
    """A calibrated camera.

    Attributes:
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
        image_wh: Size of the images it was calibrated with, None if unknown.
        origin: Where it comes from, for messages.
        is_guessed: Whether it is an assumption.
    """

    intrinsics: np.ndarray
    distortion: np.ndarray | None = None
    image_wh: tuple[int, int] | None = None
    origin: str = 'camera'
    is_guessed: bool = False

    def for_image(self, image_wh: tuple[int, int]) -> 'Camera':
        """Return the camera of an image that may have been resized since the calibration.

        Raises:
            DataError: If the image has another aspect ratio.
        """
        if self.image_wh is None or self.image_wh == image_wh:
            return self
        scale = np.array(image_wh) / self.image_wh
        if abs(scale[0] / scale[1] - 1) > SAME_ASPECT:
            old, new = (f'{width}×{height}' for width, height in (self.image_wh, image_wh))
            raise DataError(
                f'is the camera of images of {old} pixels, but an image has {new}',
                argument='camera',
                place=FilePlace(self.origin),
                advice='Give the camera of this image',
            )
        intrinsics = self.intrinsics * np.array([[scale[0]], [scale[1]], [1.0]])
        return replace(self, intrinsics=intrinsics, image_wh=image_wh)


def parse_calibration(content: Any, origin: str) -> Camera | None:
    """Find the camera in the content of a JSON or YAML file.

    Args:
        content: What the parser returned.
        origin: File name for messages.

    Returns:
        The camera, None if there is none.

    Raises:
        DataError: If a value is missing or wrong; the message names file, field and value.
    """
    if not isinstance(content, dict):
        return None
    if isinstance(content.get('camera_data'), dict):
        return _parse_annotation(content['camera_data'], origin)
    whole = JsonFields(content, origin)
    for fields in (whole, *_sections(content, origin)):
        intrinsics = _read_scalars(fields)
        if intrinsics is None:
            intrinsics = _read_matrix(fields)
        if intrinsics is not None:
            size = _read_size(fields) or _read_size(whole)
            return Camera(intrinsics, _read_distortion(fields, whole), size, origin)
    return None


def _sections(content: Mapping[str, Any], origin: str) -> list[JsonFields]:
    parts = [(name, content.get(name)) for name in SECTIONS]
    return [JsonFields(part, origin, f'{name}.') for name, part in parts if isinstance(part, dict)]


def _parse_annotation(camera_data: Mapping[str, Any], origin: str) -> Camera | None:
    annotation = parse_annotation({'camera_data': camera_data, 'objects': []}, origin)
    if annotation.intrinsics is None:
        return None
    return Camera(annotation.intrinsics, None, annotation.image_wh, origin)


def _read_scalars(fields: JsonFields) -> np.ndarray | None:
    names = next((names for names in SCALAR_NAMES if all(map(fields.has, names))), None)
    if names is None:
        names = next((names for names in SCALAR_NAMES if any(map(fields.has, names))), None)
        if names is None:
            return None
        missing = next(name for name in names if not fields.has(name))
        raise DataError(
            'is missing',
            place=fields.place(missing),
            advice=f'Add it: a camera has {", ".join(names[:-1])} and {names[-1]}, in pixels',
        )
    fx, fy, cx, cy = (float(fields.array(name, ())) for name in names)
    skew = float(fields.array('skew', ())) if fields.has('skew') else 0.0
    for name, focal_length in zip(names, (fx, fy), strict=False):
        if focal_length <= 0:
            raise fields.error(name, 'must be above 0: the focal length in pixels')
    return intrinsic_matrix(fx, fy, cx, cy, skew)


def _read_matrix(fields: JsonFields) -> np.ndarray | None:
    for name in MATRIX_NAMES:
        value = fields.get(name)
        if isinstance(value, dict) and 'data' not in value:
            continue
        if value is not None:
            matrix = _numbers(fields, name)
            if matrix.size != 9:
                raise fields.error(name, f'has {matrix.size} numbers, expected 9, row by row')
            matrix = matrix.reshape(3, 3)
            if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
                raise fields.error(name, 'must have focal lengths above 0 on its diagonal')
            if matrix[1, 0] or (matrix[2] != [0, 0, 1]).any():
                raise fields.error(name, 'must be [[fx, skew, cx], [0, fy, cy], [0, 0, 1]]')
            return matrix
    return None


def _read_distortion(*parts: JsonFields) -> np.ndarray | None:
    """Return the lens coefficients that the first part with some has."""
    places = [(part, name) for part in parts for name in DISTORTION_NAMES if part.has(name)]
    if not places:
        return None
    fields, name = places[0]
    coefficients = _numbers(fields, name)
    if not coefficients.any():
        return None
    named = next((part for part in parts if part.has('distortion_model')), fields)
    if (named.get('distortion_model') or '') not in DISTORTION_MODELS:
        raise named.error(
            'distortion_model', 'must be plumb_bob or rational_polynomial. Rectify the images'
        )
    if coefficients.size not in DISTORTION_LENGTHS:
        raise fields.error(
            name, f'has {coefficients.size} numbers, expected {DISTORTION_LENGTHS} of OpenCV'
        )
    return coefficients


def _numbers(fields: JsonFields, name: str) -> np.ndarray:
    """Return the numbers of a list, of nested lists, or of a matrix {rows, cols, data}."""
    value = fields.get(name)
    value = value.get('data') if isinstance(value, dict) else value
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise fields.error(name, 'must hold numbers only') from error
    if not np.isfinite(numbers).all():
        raise fields.error(name, 'must be finite, without NaN or infinity')
    return numbers.ravel()


def _read_size(fields: JsonFields) -> tuple[int, int] | None:
    for width, height in SIZE_NAMES:
        if fields.get(width) and fields.get(height):
            return fields.positive_int(width), fields.positive_int(height)
    return None
