"""Videos of a box of known pose: beside a board before a moving camera, or moved itself."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from cpose.datasets.annotations.annotation import read_annotation
from cpose.geometry.projection import project_points
from cpose.metric_scale.boards import Board
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

IMAGE_WH = (800, 600)
INTRINSICS = intrinsic_matrix(640.0, 640.0, 404.0, 297.0)
FINE = 2
"""Samples of a pixel, in each direction."""
BOARD = Board()
DIMS = np.array([0.12, 0.09, 0.16])
CENTRE = np.array([0.30, 0.08, -DIMS[1] / 2])
FPS = 25


@dataclass(frozen=True)
class Shot:
    """One frame: where the camera and the box are; metres, frame of the board."""

    cv_from_world: np.ndarray
    world_from_object: np.ndarray
    dims: np.ndarray = field(default_factory=DIMS.copy)

    @property
    def corners_world(self):
        corners = CORNER_SIGNS / 2 * self.dims
        return corners @ self.world_from_object[:3, :3].T + self.world_from_object[:3, 3]

    def to_cv(self, points):
        return points @ self.cv_from_world[:3, :3].T + self.cv_from_world[:3, 3]

    @property
    def corners(self):
        """(8, 2) pixels."""
        return project_points(self.to_cv(self.corners_world), INTRINSICS)

    def visible(self):
        """Return the corners of faces that are turned to the camera."""
        return sorted({number for face in self.faces() for number in face})

    def faces(self):
        """Return the corners of each face that is turned to the camera, in turn."""
        camera = -self.cv_from_world[:3, :3].T @ self.cv_from_world[:3, 3]
        rotation, centre = self.world_from_object[:3, :3], self.world_from_object[:3, 3]
        found = []
        for axis in range(3):
            for side in (-1, 1):
                outward = rotation[:, axis] * side
                if outward @ (camera - centre - outward * self.dims[axis] / 2) > 0:
                    face = np.flatnonzero(CORNER_SIGNS[:, axis] == side)
                    found.append([int(number) for number in face[[0, 1, 3, 2]]])
        return found

    def clicks(self, numbers=None, noise=0.0, seed=0):
        """Return eight points or None, as a person clicks them."""
        points = self.corners + np.random.default_rng(seed).normal(0, noise, (8, 2))
        shown = self.visible() if numbers is None else numbers
        return [points[k].tolist() if k in shown else None for k in range(8)]


def look_at(eye, target):
    """Return (4, 4), OpenCV camera from a world whose up is −z."""
    forward = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(forward, (0, 0, -1.0))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ eye
    return matrix


def standing(yaw_deg, centre=CENTRE):
    """Return (4, 4), world from a box that stands on the plane."""
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[cos, 0, -sin], [sin, 0, cos], [0, -1, 0]])
    matrix[:3, 3] = centre
    return matrix


def walk_around(count, turn_deg=110.0):
    """Return shots of a camera that is carried around the board and the box."""
    shots = []
    for part in np.linspace(0, 1, count):
        angle = np.radians(90 + turn_deg * (part - 0.5))
        radius, height = 0.40 + 0.05 * np.sin(5 * part), 0.42 + 0.06 * np.cos(7 * part)
        target = np.array([0.18, 0.08, -0.02])
        eye = target + np.array([radius * np.cos(angle), radius * np.sin(angle), -height])
        shots.append(Shot(look_at(eye, target), standing(25)))
    return shots


def move_by_hand(count):
    """Return shots of a box that is moved and turned before a camera that stands."""
    camera = look_at(np.array([0.18, 0.55, -0.4]), np.array([0.18, 0.08, -0.05]))
    shots = []
    for part in np.linspace(0, 1, count):
        pose = standing(15 + 45 * part, (0.1 + 0.16 * part, 0.12, -0.06 - 0.06 * np.sin(3 * part)))
        lean = cv2.Rodrigues(np.array([0.2 * np.sin(4 * part), 0.15 * part, 0.0]))[0]
        pose[:3, :3] = lean @ pose[:3, :3]
        shots.append(Shot(camera, pose))
    return shots


def texture(seed, size=480):
    """Return a picture with details of several sizes, as printed cartons have."""
    rng = np.random.default_rng(seed)
    base = rng.integers(90, 200, 3)
    image = np.full((size, size, 3), base, np.float32)
    for cells in (6, 14, 40):
        noise = rng.normal(0, 26, (cells, cells, 1)).astype(np.float32)
        image += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    image = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(9):
        place = tuple(int(value) for value in rng.integers(20, size - 90, 2))
        color = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.putText(image, 'AB4', place, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(1, 2.4), color, 4)
    return image


TABLE, FACES = texture(1), [texture(seed) for seed in (2, 3, 4, 5, 6, 7)]


def draw_shot(shot, has_board=True, blur=0, has_prints=True):
    """Return the picture (600, 800, 3) of a shot; ``blur`` is the length of a shake, pixels.

    Without prints the faces are plain, and so is the table.
    """
    size = (IMAGE_WH[0] * FINE, IMAGE_WH[1] * FINE)
    image = np.full((size[1], size[0], 3), 120, np.uint8)
    table = np.array([[-0.25, -0.25, 0], [0.6, -0.25, 0], [0.6, 0.35, 0], [-0.25, 0.35, 0]], float)
    paste(image, shot, table, TABLE if has_prints else np.full_like(TABLE, 170))
    if has_board:
        rim, (width, height) = 8.0, BOARD.size_mm
        ends = np.array([[-rim, -rim], [width + rim, -rim], [width + rim, height + rim]])
        outline = np.column_stack([[*ends, [-rim, height + rim]], np.zeros(4)]) / 1000
        drawn = cv2.copyMakeBorder(BOARD.draw(90), *[24] * 4, cv2.BORDER_CONSTANT, value=255)
        paste(image, shot, outline, cv2.cvtColor(drawn, cv2.COLOR_GRAY2BGR))
    for face in shot.faces():
        axis = int(np.flatnonzero(np.ptp(CORNER_SIGNS[face], axis=0) == 0)[0])
        side = CORNER_SIGNS[face[0], axis] > 0
        face_print = FACES[2 * axis + side] if has_prints else np.full_like(FACES[0], 90)
        lit = face_print * (0.75 + 0.12 * axis)
        paste(image, shot, shot.corners_world[face], lit.astype(np.uint8))
    image = cv2.resize(image, IMAGE_WH, interpolation=cv2.INTER_AREA)
    if blur:
        image = cv2.blur(image, (blur, max(blur // 3, 1)))
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def paste(image, shot, quad_world, picture):
    """Draw a picture onto a quadrilateral (4, 3) of the world, in place."""
    height, width = picture.shape[:2]
    ends = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    points_cv = shot.to_cv(quad_world)
    if points_cv[:, 2].min() < 0.02:
        return
    fine = ((project_points(points_cv, INTRINSICS) + 0.5) * FINE - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(ends, fine)
    size = image.shape[1::-1]
    cv2.warpPerspective(
        picture, matrix, size, image, cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )


def write_video(path, shots, blurred=(), **options):
    """Write a video of the shots and return its path; some frames are shaken."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), FPS, IMAGE_WH)
    for number, shot in enumerate(shots):
        writer.write(draw_shot(shot, blur=15 if number in blurred else 0, **options))
    writer.release()
    return path


def errors_px(folder, shots):
    """Return (N, 8) distances of written corners from the true ones of the frames."""
    return np.array(
        [
            np.linalg.norm(
                read_annotation(path).cuboids.keypoints_image[0, 1:]
                - shots[int(path.stem)].corners,
                axis=1,
            )
            for path in sorted(folder.glob('*.json'))
        ]
    )
