"""Errors of matched cuboids: distances in space, size and image, and the angles of view.

Letters: n pairs. Leading axes broadcast. Source of the angles: Ahmadyan et al., "Objectron: A Large
Scale Dataset of Object-Centric Videos in the Wild with Pose Annotations", evaluation metrics.
"""

import numpy as np

from cpose.structures.cuboid import UNIT_KEYPOINTS


def average_distance(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Compute ADD: the mean distance of the nine keypoints.

    Source: Hinterstoisser et al., "Model Based Training, Detection and Pose Estimation of
    Texture-Less 3D Objects in Heavily Cluttered Scenes", section 4, on keypoints.

    Args:
        pred: (..., 9, 3), metres.
        gt: (..., 9, 3), metres, same frame.

    Returns:
        (...), metres.
    """
    return np.asarray(np.linalg.norm(pred - gt, axis=-1).mean(axis=-1))


def average_nearest_distance(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Compute ADD-S: the mean distance of predicted keypoints (..., 9, 3) to the nearest true one.

    Source: as `average_distance`.
    """
    distance = np.linalg.norm(pred[..., :, None, :] - gt[..., None, :, :], axis=-1)
    return np.asarray(distance.min(axis=-1).mean(axis=-1))


def relative_scale_error(pred_dims: np.ndarray, gt_dims: np.ndarray) -> np.ndarray:
    """Sum the relative errors of the extents divided by the height.

    Source: TAO PyTorch 6.25.10, evaluation.

    Args:
        pred_dims: (..., 3), extents along x, y, z, any unit.
        gt_dims: (..., 3), any unit.

    Returns:
        (...), a ratio.
    """
    pred = pred_dims / pred_dims[..., 1:2]
    gt = gt_dims / gt_dims[..., 1:2]
    return np.asarray((np.abs(pred - gt) / gt).sum(axis=-1))


def mean_corner_distance(pred: np.ndarray, gt: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Average the distances of the eight corners in the image.

    Args:
        pred: (..., 8, 2), image pixels.
        gt: (..., 8, 2), image pixels.
        unit: (..., 2), pixels along x and y that count as one: the image's width and height for
            normalised distances, ones for pixels.

    Returns:
        (...), in that unit.
    """
    return np.asarray(np.linalg.norm((pred - gt) / unit[..., None, :], axis=-1).mean(axis=-1))


def outline_overlap(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Compute the IoU of the upright rectangles around the corners in the image.

    Args:
        pred: (..., 8, 2), image pixels.
        gt: (..., 8, 2), image pixels.

    Returns:
        (...), 0 to 1.
    """
    lows, highs = zip(*((p.min(axis=-2), p.max(axis=-2)) for p in (pred, gt)), strict=True)
    shared = (np.minimum(*highs) - np.maximum(*lows)).clip(min=0).prod(axis=-1)
    areas = [(high - low).prod(axis=-1) for low, high in zip(lows, highs, strict=True)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, np.finfo(float).tiny))


def camera_in_object(keypoints: np.ndarray) -> np.ndarray:
    """Return the camera centre in the frame of cuboids, whose axes keep the unit of length.

    The affine map from object to camera is fitted by least squares.

    Args:
        keypoints: (..., 9, 3), any camera frame and unit.

    Returns:
        (..., 3), object frame; NaN for cuboids without volume.
    """
    points = np.asarray(keypoints, dtype=np.float64)
    center = points.mean(axis=-2)
    design = UNIT_KEYPOINTS / (UNIT_KEYPOINTS[:, 0] ** 2).sum()
    spans = np.einsum('ki,...kj->...ji', design, points)
    lengths = np.linalg.norm(spans, axis=-2, keepdims=True)
    with np.errstate(divide='ignore', invalid='ignore'):
        axes = spans / lengths
    is_solid = np.isfinite(axes).all(axis=(-2, -1)) & (np.abs(_determinant(axes)) > 0)
    safe = np.where(is_solid[..., None, None], axes, np.eye(3))
    camera = -np.linalg.solve(safe, center[..., None])[..., 0]
    return np.where(is_solid[..., None], camera, np.nan)


def viewpoint_angles_deg(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return azimuth and polar angle (...) of the camera seen from cuboids (..., 9, 3).

    The azimuth is measured from +x towards +z, −180 to 180; the polar angle is the elevation
    above the plane through the centre, −90 to 90. Degrees.
    """
    x, y, z = np.moveaxis(camera_in_object(keypoints), -1, 0)
    return np.degrees(np.arctan2(z, x)), np.degrees(np.arctan2(y, np.hypot(x, z)))


def fold_angle_deg(difference: np.ndarray, period: float) -> np.ndarray:
    """Return the distance of angles to the nearest multiple of ``period``, 0 to period / 2."""
    rest = np.mod(difference, period)
    return np.minimum(rest, period - rest)


def _determinant(matrices: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore'):
        return np.asarray(np.linalg.det(matrices))
