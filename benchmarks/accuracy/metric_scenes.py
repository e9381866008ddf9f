"""Rendered scenes of known size: a box on a plane, a printed board beside it, and its depth image.

The pictures are synthetic ones of cpose. Poses come from the true corners with noise, with the
height as the unit, as a network finds them.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from cpose.codecs.pnp import InFrontPnP
from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import Scene, sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.geometry.pnp import solve_cuboid_pnp
from cpose.metric_scale.boards import Board
from cpose.structures.object_pose import ObjectPose, PoseResult

IMAGE_WH = (640, 480)
REALISM = RealismSettings(
    pitch_deg=(15, 55), odd_camera=0.0, cut_off=0.0, occluder=0.0, flat_items=(0, 0), solids=(0, 0)
)
BOARD_SQUARES, BOARD_WIDTH = (5, 4), 0.35
"""Squares, and width of the board as a share of the distance of the box."""
PIXELS_PER_SQUARE, FINER = 60, 3
BESIDE = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.8, 0.8), (-0.8, 0.8))
"""Places of the board to the right and nearer, sizes of the box and the board."""
FACES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))
"""Corners of each face, in turn."""
DEPTH_NOISE, UNKNOWN = 0.005, 0.2
"""Of a depth, and the share of pixels without one."""


@dataclass
class MetricScene:
    """A picture of one box whose size and place are known.

    Attributes:
        scene: What is where, metres.
        image: (480, 640, 3) BGR, with the board.
        pose: The box as it is found, in units of its height.
        board: What is printed on the board beside it.
        has_board: Whether there was room for the board.
    """

    name: str
    scene: Scene
    image: np.ndarray
    pose: ObjectPose
    board: Board
    has_board: bool

    @property
    def path(self) -> str:
        """Return the name: there is no file."""
        return self.name

    @property
    def box(self) -> Box:
        """Return the box."""
        return self.scene.boxes[0]

    @property
    def result(self) -> PoseResult:
        """Return what is found in the picture."""
        return PoseResult(self.path, IMAGE_WH, self.scene.camera.intrinsics, [self.pose])

    @property
    def location_cv(self) -> np.ndarray:
        """Return the true centre (3,), metres, OpenCV camera frame."""
        return self.scene.camera.to_cv(self.box.keypoints_world[0])

    @property
    def pitch_deg(self) -> float:
        """Return how far the camera looks down, degrees."""
        return float(np.degrees(np.arcsin(-self.scene.camera.cv_from_world[2, 1])))

    @property
    def roll_deg(self) -> float:
        """Return how far the camera is turned clockwise about its viewing direction, degrees."""
        x, y = self.scene.camera.cv_from_world[:2, 1]
        return float(np.degrees(np.arctan2(-x, -y)))

    @cached_property
    def depth(self) -> np.ndarray:
        """Return depths (480, 640), metres, with noise, 0 where unknown."""
        camera, rng = self.scene.camera, np.random.default_rng(len(self.name))
        corners = camera.to_cv(self.box.keypoints_world[1:])
        columns, rows = np.meshgrid(np.arange(IMAGE_WH[0]), np.arange(IMAGE_WH[1]))
        pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
        rays = pixels @ np.linalg.inv(camera.intrinsics).T
        up = camera.cv_from_world[:, 1]
        ground = -camera.height / (rays @ up)
        depth = np.where(ground > 0, ground, np.inf)
        for face in FACES:
            mask = np.zeros(depth.shape, np.uint8)
            outline = camera.project(self.box.keypoints_world[1:])[list(face)]
            cv2.fillConvexPoly(mask, outline.round().astype(np.int32), 1)
            a, b, c = corners[list(face[:3])]
            normal = np.cross(b - a, c - a)
            with np.errstate(divide='ignore', invalid='ignore'):
                plane = (normal @ a) / (rays @ normal)
            depth = np.where((mask > 0) & (plane > 0), np.fmin(depth, plane), depth)
        depth = depth * (1 + rng.normal(0, DEPTH_NOISE, depth.shape))
        is_known = np.isfinite(depth) & (rng.random(depth.shape) > UNKNOWN) & (depth < 60)
        return np.where(is_known, depth, 0.0)


def make_scene(number: int, point_noise: float = 0.0, dims_noise: float = 0.0) -> MetricScene:
    """Return a scene.

    Args:
        number: Which one.
        point_noise: Standard deviation of the corners, in RMS distances from their mean.
        dims_noise: That of the logarithm of width and depth.
    """
    scene = sample_scene(np.random.default_rng([number, 1]), IMAGE_WH, (1, 1), REALISM)
    image = render_scene(np.random.default_rng([number, 2]), scene, REALISM)
    pose = _find(scene, np.random.default_rng([number, 3]), point_noise, dims_noise)
    distance = scene.camera.to_cv(scene.boxes[0].keypoints_world[0])[2]
    square_mm = round(1000 * BOARD_WIDTH * distance / BOARD_SQUARES[0])
    board = Board('charuco', BOARD_SQUARES, square_mm, 0.75 * square_mm)
    has_board = _draw_board(image, scene, board)
    return MetricScene(f'scene_{number:04d}', scene, image, pose, board, has_board)


def _find(
    scene: Scene, rng: np.random.Generator, point_noise: float, dims_noise: float
) -> ObjectPose:
    box = scene.boxes[0]
    true = scene.camera.project(box.keypoints_world[1:])
    for _ in range(20):
        corners = true + rng.normal(0, 1, (8, 2)) * point_noise * np.sqrt(true.var(axis=0).sum())
        dims = box.dims / box.dims[1] * np.exp(rng.normal(0, 1, 3) * dims_noise * [1, 0, 1])
        points = np.repeat(corners, 2, axis=0)
        found = solve_cuboid_pnp(points, dims, scene.camera.intrinsics, InFrontPnP()).pose
        if found is not None:
            break
    assert found is not None
    return ObjectPose(
        0.9,
        0,
        np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
        corners,
        dims,
        found.location_cv,
        found.quaternion_xyzw,
        found.keypoints_cv,
        found.keypoints_image,
    )


def _draw_board(image: np.ndarray, scene: Scene, board: Board) -> bool:
    """Draw the board on the plane beside the box, in place; return whether there is room for it."""
    paper = cv2.copyMakeBorder(
        cv2.cvtColor(board.draw(PIXELS_PER_SQUARE), cv2.COLOR_GRAY2BGR),
        *[PIXELS_PER_SQUARE // 2] * 4,
        cv2.BORDER_CONSTANT,
        value=(255, 255, 255),
    )
    for aside, near in BESIDE:
        points = _place_board(scene, board, aside, near)
        if points is not None:
            _draw_paper(image, paper, points)
            return True
    return False


def _place_board(scene: Scene, board: Board, aside: float, near: float) -> np.ndarray | None:
    """Return where the corners of the paper (4, 2) are seen, None where there is no room."""
    box, camera = scene.boxes[0], scene.camera
    sides = np.array(board.size_mm) / 1000
    away = box.position / np.linalg.norm(box.position)
    right = np.array([-away[1], away[0]])
    reach = np.ptp(box.footprint, axis=0).max() / 2 + 0.6 * sides.max()
    middle = box.position + (aside * right - near * away) * reach * 1.2
    x, y = (sides / 2 + board.square_mm / 2000)[:, None] * [[-1, 1, 1, -1], [-1, -1, 1, 1]]
    flat = middle + x[:, None] * right - y[:, None] * away
    corners = np.stack([flat[:, 0], np.zeros(4), flat[:, 1]], axis=1)
    if (camera.to_cv(corners)[:, 2] < 0.05).any():
        return None
    points = camera.project(corners)
    is_outside = (points < 2).any() or (points > np.array(IMAGE_WH) - 3).any()
    if is_outside or _overlaps(points, camera.project(box.keypoints_world[1:])):
        return None
    return points


def _draw_paper(image: np.ndarray, paper: np.ndarray, points: np.ndarray) -> None:
    """Draw a paper between four points (4, 2), in place, larger and shrunk against aliasing."""
    tall, wide = paper.shape[:2]
    sides = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]]) - 0.5
    fine = (points + 0.5) * FINER - 0.5
    matrix = cv2.getPerspectiveTransform(sides.astype(np.float32), fine.astype(np.float32))
    canvas = cv2.resize(image, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    size = canvas.shape[1::-1]
    cv2.warpPerspective(paper, matrix, size, canvas, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    image[:] = cv2.resize(canvas, IMAGE_WH, interpolation=cv2.INTER_AREA)


def _overlaps(first: np.ndarray, second: np.ndarray) -> bool:
    hulls = [cv2.convexHull(points.astype(np.float32)) for points in (first, second)]
    return bool(cv2.intersectConvexConvex(*hulls)[0] > 0)
