"""Details on the faces of a box: found, followed into the next frame, and the pose they tell.

Source: pyramidal Lucas-Kanade flow (Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature
Tracker", 2000) with a forward-backward check (Kalal et al., "Forward-Backward Error", 2010);
robust weights of Huber.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cpose.annotation.video.motion import Frame
from cpose.geometry.projection import project_points, undistort_points
from cpose.structures.cuboid import CORNER_SIGNS

FOLLOWED_SIDE = 960
"""Pixels of the longer side in which details are followed."""
MOST_DETAILS = 250
FEW_DETAILS = 120
"""Below that many new ones are looked for."""
DETAIL_QUALITY, DETAIL_DISTANCE = 0.01, 5
RIM = 3
"""Pixels along the edges of a face that are left out: what is behind moves otherwise."""
WINDOW, LEVELS = (21, 21), 4
FLOW_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
MOST_RETURN_ERROR = 0.7
"""Pixels between a detail and where it comes back to."""
HUBER = 1.0
"""Pixels from which a detail counts less."""
STEEP = 0.12
"""Cosine of the angle to a face below which nothing is followed on it."""
ROUNDS = 10
FACES = tuple((axis, side) for axis in range(3) for side in (-1.0, 1.0))


@dataclass(frozen=True)
class Details:
    """Points on the faces of a box in a frame.

    Attributes:
        points_object: (N, 3), unit of the extents.
        points_image: (N, 2) pixels.
        pose: Rotation vector and translation (6,), OpenCV camera from object.
        is_guessed: Whether the pose goes back to what a model has found.
        support: Share of the edges of the box that are where the pose puts them.
    """

    points_object: np.ndarray
    points_image: np.ndarray
    pose: np.ndarray
    is_guessed: bool = False
    support: float = 1.0


class BoxSurface:
    """The faces of a box.

    Args:
        dims: (3,) extents.
    """

    def __init__(self, dims: np.ndarray) -> None:
        self._dims = dims

    def renew(self, frame: Frame, image: np.ndarray, details: Details) -> Details:
        """Return the details of a frame on faces that are seen, with new ones where they are few.

        Args:
            frame: Its camera.
            image: (H, W) uint8.
            details: Those that were followed to there, with the pose of the box.
        """
        rotation, shift = cv2.Rodrigues(details.pose[:3])[0], details.pose[3:]
        faces = [face for face in FACES if self._steepness(face, rotation, shift) > STEEP]
        kept = np.zeros(len(details.points_object), bool)
        for axis, side in faces:
            kept |= np.isclose(details.points_object[:, axis], side * self._dims[axis] / 2)
        points, places = details.points_object[kept], details.points_image[kept]
        if len(points) < FEW_DETAILS:
            for face in faces:
                new, where = self._find(frame, image, face, rotation, shift, places)
                points, places = np.concatenate([points, new]), np.concatenate([places, where])
        return Details(points, places, details.pose, details.is_guessed)

    def _steepness(self, face: tuple[int, float], rotation: np.ndarray, shift: np.ndarray) -> float:
        """Return the cosine of the angle between the outward normal and the view of a face."""
        axis, side = face
        normal = rotation[:, axis] * side
        middle = shift + normal * self._dims[axis] / 2
        return float(-normal @ middle / np.linalg.norm(middle))

    def _find(
        self,
        frame: Frame,
        image: np.ndarray,
        face: tuple[int, float],
        rotation: np.ndarray,
        shift: np.ndarray,
        known: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return new details (N, 3) on a face, and where they are (N, 2), apart from known ones."""
        axis, side = face
        corners = (CORNER_SIGNS / 2 * self._dims)[CORNER_SIGNS[:, axis] == side][[0, 1, 3, 2]]
        outline = project_points(corners @ rotation.T + shift, frame.intrinsics, frame.distortion)
        mask = np.zeros(image.shape, np.uint8)
        cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 255)
        scale = max(image.shape) / FOLLOWED_SIDE
        rim = round(RIM * max(scale, 1.0))
        mask[:] = cv2.erode(mask, np.ones((2 * rim + 1,) * 2, np.uint8), borderValue=0)
        for x, y in known:
            cv2.circle(mask, (round(x), round(y)), DETAIL_DISTANCE, 0, -1)
        found = cv2.goodFeaturesToTrack(
            image, MOST_DETAILS // 2, DETAIL_QUALITY, DETAIL_DISTANCE * max(scale, 1.0), mask=mask
        )
        places = np.empty((0, 2)) if found is None else found.reshape(-1, 2).astype(np.float64)
        return self._lift(frame, places, face, rotation, shift), places

    def _lift(
        self,
        frame: Frame,
        places: np.ndarray,
        face: tuple[int, float],
        rotation: np.ndarray,
        shift: np.ndarray,
    ) -> np.ndarray:
        """Return the points (N, 3) of a face that are seen at pixels (N, 2)."""
        straight = places
        if frame.distortion is not None and len(places):
            straight = undistort_points(places, frame.intrinsics, frame.distortion)
        rays = (
            np.column_stack([straight, np.ones(len(straight))]) @ np.linalg.inv(frame.intrinsics).T
        )
        axis, side = face
        start, along = -rotation.T @ shift, rays @ rotation
        factor = (side * self._dims[axis] / 2 - start[axis]) / along[:, axis]
        return start + along * factor[:, None]


def matrix_of(pose: np.ndarray) -> np.ndarray:
    """Return the transform (4, 4) of a rotation vector and a translation (6,)."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = cv2.Rodrigues(pose[:3])[0], pose[3:]
    return matrix


def vector_of(matrix: np.ndarray) -> np.ndarray:
    """Return the rotation vector and the translation (6,) of a transform (4, 4)."""
    return np.concatenate([cv2.Rodrigues(matrix[:3, :3])[0].ravel(), matrix[:3, 3]])


def follow_points(
    before: np.ndarray, after: np.ndarray, points: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return where points (N, 2) have moved to, and which of them came back to where they were."""
    if scale < 1:
        before, after = (
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for image in (before, after)
        )
    start = ((points + 0.5) * scale - 0.5).astype(np.float32)[:, None]
    moved, is_moved = _flow(before, after, start)
    back, is_back = _flow(after, before, moved)
    error = np.linalg.norm(back - start, axis=-1).ravel()
    is_found = is_moved & is_back & (error < MOST_RETURN_ERROR)
    return (moved.reshape(-1, 2).astype(np.float64) + 0.5) / scale - 0.5, is_found


def _flow(
    before: np.ndarray, after: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (N, 1, 2) in the next image, and whether they were found (N,)."""
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, np.empty(0), None, None, WINDOW, LEVELS, FLOW_STOP
    )
    return np.asarray(moved, np.float32), np.ravel(status) == 1


def refine_pose(
    frame: Frame,
    points_object: np.ndarray,
    points_image: np.ndarray,
    weights: np.ndarray,
    pose: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Move a pose to where it explains points best, those that are far off counting less.

    Args:
        frame: Its camera.
        points_object: (N, 3), N at least 3.
        points_image: (N, 2) pixels.
        weights: (N,), how much each counts.
        pose: Rotation vector and translation (6,), where to start.

    Returns:
        The pose, and the distance of each point from where it puts it (N,), pixels.
    """
    pose = pose.copy()
    for _ in range(ROUNDS):
        rows, goal, _ = robust_rows(frame, points_object, points_image, pose, weights)
        step = np.linalg.lstsq(rows, goal, rcond=None)[0]
        pose += step
        if np.abs(step).max() < 1e-7:
            break
    return pose, robust_rows(frame, points_object, points_image, pose)[2]


def robust_rows(
    frame: Frame,
    points_object: np.ndarray,
    points_image: np.ndarray,
    pose: np.ndarray,
    weights: np.ndarray | float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the linear equations of a step of a pose (6,) towards points.

    Returns:
        Matrix (2N, 6) and right side (2N,) with the weights of Huber, and the distance of each
        point from where the pose puts it (N,), pixels.
    """
    seen, by_all = cv2.projectPoints(
        points_object, pose[:3], pose[3:], frame.intrinsics, frame.distortion
    )
    error = points_image - seen.reshape(-1, 2)
    distances = np.linalg.norm(error, axis=1)
    share = np.sqrt(weights * np.minimum(1, HUBER / np.maximum(distances, 1e-9)))
    rows = by_all[:, :6] * np.repeat(share, 2)[:, None]
    return rows, (error * share[:, None]).ravel(), distances


def corners_by(frame: Frame, dims: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return the pixels (8, 2) of the corners of a box with a pose (6,)."""
    corners = CORNER_SIGNS / 2 * dims
    seen, _ = cv2.projectPoints(corners, pose[:3], pose[3:], frame.intrinsics, frame.distortion)
    return np.asarray(seen.reshape(-1, 2))
