"""How files describe cameras: ROS, OpenCV, Kalibr, BOP, Open3D, TAO, annotations, numbers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.datasets.annotations.annotation import parse_annotation
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.geometry.projection import DISTORTION_LENGTHS
from cpose.structures.camera import intrinsic_matrix

SCALARS = ('fx', 'fy', 'cx', 'cy', 'skew')
SCALAR_NAMES = (
    SCALARS[:4],
    ('focal_length_x', 'focal_length_y', 'principle_point_x', 'principle_point_y'),
    ('focal_length_x', 'focal_length_y', 'principal_point_x', 'principal_point_y'),
)
"""Spellings of fx, fy, cx, cy: plain, TAO's, TAO's corrected."""
OPEN3D_MATRIX = 'intrinsic_matrix'
"""Column by column."""
MATRIX_NAMES = ('camera_matrix', 'intrinsics', 'cam_K', 'K', 'k', OPEN3D_MATRIX)
DISTORTION_NAMES = ('distortion_coefficients', 'distortion_coeffs', 'distortion', 'D', 'd')
DISTORTION_MODELS = ('plumb_bob', 'rational_polynomial', 'radtan', 'pinhole', 'none', '')
LENS_NAMES = ('k1', 'k2', 'p1', 'p2', 'k3', 'k4', 'k5', 'k6')
"""Single coefficients, in OpenCV's order."""
FISHEYE_MODELS = ('equi', 'fisheye', 'opencv_fisheye', 'kannala_brandt', 'omni', 'mei')
"""How names of models begin that bend the rays even where all their coefficients are 0."""
SIZE_NAMES = (('width', 'height'), ('image_width', 'image_height'))
RESOLUTION = 'resolution'
SECTIONS = ('inference', 'evaluate', 'camera', 'intrinsics', 'intrinsic')
"""Parts of a file in which a camera is looked for, besides its top level."""
NO_LENS = 'must be plumb_bob or rational_polynomial. Rectify the images'
KALIBR_CAMERA = re.compile('cam[0-9]{1,3}')


def parse_calibration(content: Any, origin: str) -> Camera | SceneCameras | None:
    """Find the camera in the content of a file.

    Args:
        content: What the parser of JSON, YAML or numbers returned.
        origin: File name for messages.

    Returns:
        The camera, None if there is none; the cameras by image where they differ.

    Raises:
        DataError: If a value is missing or wrong; the message names file, field and value.
    """
    if isinstance(content, list):
        return _parse_numbers(content, origin)
    if not isinstance(content, dict):
        return None
    if isinstance(content.get('camera_data'), dict):
        return _parse_annotation(content['camera_data'], origin)
    if content and all(_is_numbered(name, part) for name, part in content.items()):
        return _parse_scene(content, origin)
    whole = JsonFields(content, origin)
    for fields in (whole, *_sections(content, origin)):
        intrinsics = _read_scalars(fields)
        if intrinsics is None:
            intrinsics = _read_matrix(fields)
        if intrinsics is not None:
            _check_model(fields, whole)
            size = _read_size(fields) or _read_size(whole)
            camera = Camera(intrinsics, _read_distortion(fields, whole), size, origin)
            return _part_of_sensor(camera, whole)
    return None


def _parse_numbers(values: list[Any], origin: str) -> Camera | None:
    """Read fx, fy, cx, cy and perhaps the skew, or a matrix of 3×3, 3×4 or 4×4."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if not numbers.size:
        return None
    if numbers.size in (4, 5):
        return parse_camera(dict(zip(SCALARS, numbers.ravel().tolist(), strict=False)), origin)
    if numbers.size in (12, 16):
        matrix = numbers.reshape(-1, 4)
        if matrix[:3, 3].any():
            raise DataError(
                'is a matrix whose fourth column is not zero: a projection of another place',
                place=FilePlace(origin),
                advice='Give the 3×3 matrix of the camera itself',
            )
        numbers = matrix[:3, :3]
    if numbers.size != 9:
        raise DataError(
            f'holds {numbers.size} numbers',
            place=FilePlace(origin),
            advice='Write a 3×3 matrix row by row, or fx fy cx cy, in pixels',
        )
    return parse_camera({'K': numbers.ravel().tolist()}, origin)


def parse_camera(content: Mapping[str, Any], origin: str) -> Camera:
    """Return the camera in fields that hold one, see `parse_calibration`."""
    found = parse_calibration(dict(content), origin)
    assert isinstance(found, Camera)
    return found


def _is_numbered(name: Any, part: Any) -> bool:
    return re.fullmatch('[0-9]{1,9}', str(name)) is not None and (
        isinstance(part, dict) and 'cam_K' in part
    )


def _parse_scene(content: Mapping[Any, Any], origin: str) -> Camera | SceneCameras:
    """Read BOP's cameras by image; one for all where they are the same."""
    cameras = {}
    for name, part in content.items():
        fields = JsonFields(part, origin, f'{name}.')
        matrix = _read_matrix(fields)
        if matrix is None:
            raise fields.error('cam_K', 'must be a matrix of 3×3, row by row')
        cameras[int(name)] = Camera(matrix, None, _read_size(fields), origin)
    first, *others = cameras.values()
    are_same = all(
        np.array_equal(first.intrinsics, other.intrinsics) and first.image_wh == other.image_wh
        for other in others
    )
    return first if are_same else SceneCameras(cameras, origin)


def _sections(content: Mapping[Any, Any], origin: str) -> Iterator[JsonFields]:
    """Yield the parts of a file that may hold its camera."""
    several = [name for name in content if KALIBR_CAMERA.fullmatch(str(name))]
    if len(several) > 1:
        raise DataError(
            f'holds the cameras {", ".join(map(str, several))}',
            place=FilePlace(origin),
            advice='Copy the one of your images into a file of its own',
        )
    for name in (*SECTIONS, *several):
        if isinstance(content.get(name), dict):
            yield JsonFields(content[name], origin, f'{name}.')


def _check_model(*parts: JsonFields) -> None:
    """Refuse the models of Kalibr that are no pinhole, and lenses that none can stand for."""
    for fields in parts:
        if (fields.get('camera_model') or 'pinhole') != 'pinhole':
            raise fields.error('camera_model', 'must be pinhole. Rectify the images')
        if str(fields.get('distortion_model')).lower().startswith(FISHEYE_MODELS):
            raise fields.error('distortion_model', NO_LENS)


def _part_of_sensor(camera: Camera, fields: JsonFields) -> Camera:
    """Return the camera of the part of the sensor that is read out, by ``roi`` and binning of ROS.

    The matrix is that of the whole sensor, whose size may be missing: some drivers write the size
    of the part in its place.
    """
    binning = np.array([_positive_or_one(fields, name) for name in ('binning_x', 'binning_y')])
    offset, part_wh = np.zeros(2), camera.image_wh
    if fields.has('roi'):
        if not isinstance(fields.get('roi'), dict):
            raise fields.error('roi', 'must have x_offset, y_offset, width and height')
        roi = fields.fields('roi')
        size = _read_size(roi)
        if size is not None:
            part_wh = size
            offset = np.array([_offset(roi, name) for name in ('x_offset', 'y_offset')])
    if not offset.any() and part_wh == camera.image_wh and (binning == 1).all():
        return camera
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] -= offset
    intrinsics[:2] /= binning[:, None]
    if part_wh is not None:
        part_wh = (int(part_wh[0] // binning[0]), int(part_wh[1] // binning[1]))
        if not all(part_wh):
            raise fields.error('binning_x', 'leaves no pixel')
    return replace(camera, intrinsics=intrinsics, image_wh=part_wh, sensor=camera)


def _positive_or_one(fields: JsonFields, name: str) -> int:
    """Return a whole number; 0 counts as 1, as in ROS."""
    return fields.positive_int(name) if fields.get(name) else 1


def _offset(fields: JsonFields, name: str) -> float:
    offset = float(fields.array(name, ())) if fields.has(name) else 0.0
    if offset < 0:
        raise fields.error(name, 'must not be below 0, pixels')
    return offset


def _parse_annotation(camera_data: Mapping[str, Any], origin: str) -> Camera | None:
    annotation = parse_annotation({'camera_data': camera_data, 'objects': []}, origin)
    if annotation.intrinsics is None:
        return None
    return Camera(annotation.intrinsics, annotation.distortion, annotation.image_wh, origin)


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
            matrix = _shaped_matrix(fields, name)
            if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
                raise fields.error(name, 'must have focal lengths above 0 on its diagonal')
            if matrix[1, 0] or (matrix[2] != [0, 0, 1]).any():
                raise fields.error(name, 'must be [[fx, skew, cx], [0, fy, cy], [0, 0, 1]]')
            return matrix
    return None


def _shaped_matrix(fields: JsonFields, name: str) -> np.ndarray:
    """Return the matrix of nine numbers, or of Kalibr's four: fx, fy, cx, cy."""
    numbers = _numbers(fields, name)
    if numbers.size == 4:
        return intrinsic_matrix(*numbers.tolist())
    if numbers.size != 9:
        raise fields.error(name, f'has {numbers.size} numbers, expected 9, row by row')
    matrix = numbers.reshape(3, 3)
    is_by_column = name == OPEN3D_MATRIX and not matrix[:2, 2].any()
    return matrix.T.copy() if is_by_column else matrix


def _read_distortion(*parts: JsonFields) -> np.ndarray | None:
    """Return the lens coefficients that the first part with some has."""
    places = [(part, name) for part in parts for name in DISTORTION_NAMES if part.has(name)]
    if not places:
        single = [_read_single_coefficients(part) for part in parts]
        return next((found for found in single if found is not None), None)
    fields, name = places[0]
    if isinstance(fields.get(name), dict) and 'data' not in fields.get(name):
        return _read_single_coefficients(fields.fields(name))
    coefficients = _numbers(fields, name)
    if not coefficients.any():
        return None
    named = next((part for part in parts if part.has('distortion_model')), fields)
    if (named.get('distortion_model') or '') not in DISTORTION_MODELS:
        raise named.error('distortion_model', NO_LENS)
    if coefficients.size not in DISTORTION_LENGTHS:
        raise fields.error(
            name, f'has {coefficients.size} numbers, expected {DISTORTION_LENGTHS} of OpenCV'
        )
    return coefficients


def _read_single_coefficients(fields: JsonFields) -> np.ndarray | None:
    """Return the lens coefficients that have a field each, missing ones 0."""
    given = [name for name in LENS_NAMES if fields.has(name)]
    if 'k4' in given and 'k6' not in given:
        raise fields.error('k4', 'without k5 and k6 belongs to a fisheye lens. Rectify the images')
    values = [float(fields.array(name, ())) if name in given else 0.0 for name in LENS_NAMES]
    length = next(length for length in (4, 5, 8) if not any(values[length:]))
    return np.array(values[:length]) if any(values) else None


def _numbers(fields: JsonFields, name: str) -> np.ndarray:
    """Return the numbers of a list, of nested lists, or of a matrix {rows, cols, data}."""
    value = fields.get(name)
    value = value.get('data') if isinstance(value, dict) else value
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise fields.error(name, 'must hold numbers only') from error
    if not np.isfinite(numbers).all():
        raise fields.error(name, 'must be finite, without NaN or infinity')
    return numbers.ravel()


def _read_size(fields: JsonFields) -> tuple[int, int] | None:
    for width, height in SIZE_NAMES:
        if fields.get(width) and fields.get(height):
            return fields.positive_int(width), fields.positive_int(height)
    if not fields.has(RESOLUTION):
        return None
    width, height = fields.array(RESOLUTION, (2,)).tolist()
    if not (width >= 1 and height >= 1 and width == int(width) and height == int(height)):
        raise fields.error(RESOLUTION, 'must be width and height, pixels')
    return int(width), int(height)
