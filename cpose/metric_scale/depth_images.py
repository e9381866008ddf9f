"""Scale from depth images: what a depth camera or a laser saw on the faces of an object."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import DAMAGED_ARRAY_ERRORS, ConfigError, DataError, check_number, unreadable
from cpose.files.image_header import read_image_header
from cpose.files.text_files import read_bytes
from cpose.geometry.projection import back_project_points, undistort_points
from cpose.metric_scale.base import Cuboid, Found, KnownLength, View
from cpose.registry import SCALE_SOURCES
from cpose.structures.object_pose import ObjectPose, PoseResult

ENDINGS = ('.png', '.tiff', '.tif', '.npy')
MILLIMETRES = 1000.0
MOST_PIXELS = 80_000_000
"""As of pictures, see `cpose.datasets.image_reading`."""
MOST_BYTES = 8 * MOST_PIXELS
SAME_ASPECT = 0.01
MOST_POINTS = 2000
"""Depths that are looked at for one object."""
LEAST_POINTS = 8
WINDOW = 0.06
"""Width of the range of ratios that agree, as a share of the distance."""
LEAST_AGREEING = 0.2
"""Share of the depths on the object that must agree."""
LEAST_RELATIVE_STD = 0.01
"""Of the depth of an object: that of depth cameras does not average out."""


@SCALE_SOURCES.register_module()
class DepthImages:
    """Take depth images that are aligned with the pictures, dense or sparse.

    Depths are along the viewing direction of the camera (z), and 0, NaN and infinity mean unknown.
    On the object's pixels each is divided by the depth of the cuboid's visible faces there; the
    factor is where most of these ratios agree, so that what is in front, behind or inside the
    cuboid counts little. For objects that do not fill their cuboid, such as cups, it is a little
    too large; the spread of the ratios is part of the uncertainty.

    Args:
        folder: Where they are: ``NAME.png`` of 16 bits or ``NAME.tiff`` or ``NAME.npy`` of numbers
            with a point, where NAME is that of the picture, for frames ``video/000012``. They may
            be smaller or larger than the pictures, with the same aspect ratio.
        per_metre: What stands for a metre; None takes 1000 for whole numbers and 1 for others.

    Raises:
        ConfigError: If the folder does not exist, or the number is not above 0.
    """

    name = 'depth'

    def __init__(self, folder: str | Path, per_metre: float | None = None) -> None:
        if not Path(folder).is_dir():
            raise ConfigError(
                'is no folder', argument='folder', value=folder, advice='Give that of the depths'
            )
        if per_metre is not None:
            check_number('per_metre', per_metre, above=0.0)
        self.folder, self.per_metre = Path(folder), per_metre

    def find_lengths(self, result: PoseResult, view: View) -> list[Found]:
        """Return the distance of the visible faces of each pose.

        Raises:
            DataError: If the depth image cannot be read, or has another aspect ratio.
        """
        path = find_depth_file(self.folder, view.name)
        if path is None:
            return [f'there is no depth image {view.name}'] * len(result.poses)
        depth = read_depth(path, self.per_metre)
        _check_aspect(depth, result.image_wh, path)
        return [self._find(pose, depth, result) for pose in result.poses]

    def _find(self, pose: ObjectPose, depth: np.ndarray, result: PoseResult) -> Found:
        rays, depths = _rays_on(pose, depth, result)
        near = face_depths(Cuboid.of_pose(pose), rays)
        is_hit = np.isfinite(near)
        rays, depths, near = rays[is_hit], depths[is_hit], near[is_hit]
        if len(depths) < LEAST_POINTS:
            return f'only {len(depths)} depths are known on the object'
        ratios = np.log(depths / near)
        agreeing = _densest(ratios)
        if agreeing.mean() < LEAST_AGREEING:
            return 'the depths on the object do not agree with a cuboid of its proportions'
        kept = ratios[agreeing]
        spread = 1.4826 * float(np.median(np.abs(kept - np.median(kept))))
        of = partial(_distance_per_metre, rays=rays[agreeing], depths=depths[agreeing])
        return [KnownLength(1.0, float(np.hypot(spread, LEAST_RELATIVE_STD)), of)]


def find_depth_file(folder: Path, name: str) -> Path | None:
    """Return the depth image of a picture, None without one."""
    paths = [folder / f'{name}{ending}' for ending in ENDINGS]
    return next((path for path in paths if path.is_file()), None)


def read_depth(path: Path, per_metre: float | None = None) -> np.ndarray:
    """Read a depth image.

    Args:
        path: See `DepthImages`.
        per_metre: What stands for a metre; None takes 1000 for whole numbers and 1 for others.

    Returns:
        (H, W) float64, metres, NaN where unknown.

    Raises:
        DataError: If it cannot be read or is no depth image.
    """
    values = _read_array(path) if path.suffix == '.npy' else _read_image(path)
    is_depth = values is not None and values.ndim == 2 and values.dtype.kind in 'iuf'
    if values is None or not is_depth or values.dtype == np.uint8 or not values.size:
        found = 'nothing' if values is None else f'{values.shape} of type {values.dtype}'
        raise DataError(
            f'is no depth image: it holds {found}',
            place=FilePlace(path),
            advice='Write one channel: 16-bit PNG in millimetres, or TIFF or NPY of floating-point '
            'metres',
        )
    if per_metre is None:
        per_metre = MILLIMETRES if np.issubdtype(values.dtype, np.integer) else 1.0
    depth = values.astype(np.float64) / per_metre
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)


def _read_array(path: Path) -> np.ndarray:
    """Return an array, mapped: its file is as long as its header says, or it is refused."""
    try:
        values = np.load(path, mmap_mode='r', allow_pickle=False)
    except OSError as error:
        raise unreadable(path, error) from error
    except DAMAGED_ARRAY_ERRORS as error:
        raise DataError(
            f'is no array that NumPy reads: {error}', place=FilePlace(path), advice='Save it again'
        ) from error
    if not isinstance(values, np.ndarray):
        raise DataError('is an archive', place=FilePlace(path), advice='Save one array')
    _check_size(path, values.size)
    return np.asarray(values)


def _read_image(path: Path) -> np.ndarray | None:
    content = read_bytes(path, MOST_BYTES)
    header = read_image_header(content)
    if header is None:
        return None
    _check_size(path, header.image_wh[0] * header.image_wh[1])
    if header.format == 'PNG' and header.problem:
        raise DataError(
            f'cannot be read: {header.problem}', place=FilePlace(path), advice='Save it again'
        )
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _check_size(path: Path, num_pixels: int) -> None:
    if num_pixels > MOST_PIXELS:
        raise DataError(
            f'has {num_pixels:,} pixels, more than {MOST_PIXELS:,}',
            place=FilePlace(path),
            advice='Make it smaller',
        )


def _check_aspect(depth: np.ndarray, image_wh: tuple[int, int], path: Path) -> None:
    height, width = depth.shape
    if abs(width / height / (image_wh[0] / image_wh[1]) - 1) > SAME_ASPECT:
        raise DataError(
            f'has {width}×{height} pixels, and its picture {image_wh[0]}×{image_wh[1]}',
            place=FilePlace(path),
            advice='Align the depth image with the picture',
        )


def _rays_on(
    pose: ObjectPose, depth: np.ndarray, result: PoseResult
) -> tuple[np.ndarray, np.ndarray]:
    """Return viewing rays (P, 3) of depth 1 within the outline of a cuboid, and depths (P,)."""
    assert pose.keypoints_image is not None
    assert result.intrinsics is not None
    scale = np.array(depth.shape[::-1]) / result.image_wh
    corners = (pose.keypoints_image[1:] + 0.5) * scale - 0.5
    mask = np.zeros(depth.shape, np.uint8)
    inside = np.clip(corners, -1e6, 1e6).round().astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(inside), 1)
    rows, columns = np.nonzero((mask > 0) & np.isfinite(depth))
    every = max(1, len(rows) // MOST_POINTS)
    rows, columns = rows[::every], columns[::every]
    points = (np.stack([columns, rows], axis=1) + 0.5) / scale - 0.5
    if result.distortion is not None:
        points = undistort_points(points, result.intrinsics, result.distortion)
    rays = back_project_points(points, np.ones(len(points)), result.intrinsics)
    return rays, depth[rows, columns]


def face_depths(cuboid: Cuboid, rays: np.ndarray) -> np.ndarray:
    """Return at which depths rays meet a cuboid first.

    Args:
        cuboid: In front of the camera.
        rays: (P, 3) of depth 1, OpenCV camera frame.

    Returns:
        (P,), unit of the cuboid; NaN for a ray that misses it.
    """
    origin = -cuboid.location @ cuboid.rotation
    directions = rays @ cuboid.rotation
    with np.errstate(divide='ignore', invalid='ignore'):
        sides = (np.array([[-1.0], [1.0]]) * cuboid.dims / 2 - origin)[:, None] / directions
    enter, leave = sides.min(axis=0).max(axis=1), sides.max(axis=0).min(axis=1)
    return np.where((enter <= leave) & (enter > 0), enter, np.nan)


def _densest(values: np.ndarray) -> np.ndarray:
    """Return which values (P,) lie in the range of a fixed width that holds most; bool."""
    ordered = np.sort(values)
    counts = np.searchsorted(ordered, ordered + WINDOW, side='right') - np.arange(len(ordered))
    low = ordered[counts.argmax()]
    return (values >= low) & (values <= low + WINDOW)


def _distance_per_metre(cuboid: Cuboid, rays: np.ndarray, depths: np.ndarray) -> float:
    """Return how many units of the cuboid its faces are away per metre of depth."""
    near = face_depths(cuboid, rays)
    return float(np.exp(np.nanmedian(np.log(near / depths))))
