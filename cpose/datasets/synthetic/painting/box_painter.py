"""Draws one box: the visible faces with print, light and a clean silhouette."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import dist

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import NEAR, VirtualCamera
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.painting.raster import (
    blend,
    bounding_rectangle,
    draw_quad,
    intersect_rectangles,
    is_empty,
    polygon_coverage,
    shrink_to_quad,
    side_lengths,
    warp_into,
)
from cpose.datasets.synthetic.painting.textures import BoxStyle, paint_face
from cpose.datasets.synthetic.shapes.base import PlacedCuboid
from cpose.datasets.synthetic.visibility import outline_hull

FACE_CORNERS = {
    '+x': (8, 7, 5, 6),
    '-x': (3, 4, 2, 1),
    '+y': (3, 7, 8, 4),
    '+z': (4, 8, 6, 2),
    '-z': (7, 3, 1, 5),
    '-y': (2, 6, 5, 1),
}
"""Keypoint numbers of top left, top right, bottom right and bottom left, seen from outside."""

TEXTURE_SIDE = (72, 288)
"""Least and greatest longer side of a face's texture, pixels."""
AROUND = np.ones((3, 3), dtype=np.uint8)


@dataclass(frozen=True)
class PaintedFace:
    """A visible face.

    Attributes:
        texture: (h, w, 3) uint8, lit.
        corners_world: (4, 3) in the order of `FACE_CORNERS`.
    """

    texture: np.ndarray
    corners_world: np.ndarray


def paint_visible_faces(
    rng: np.random.Generator,
    camera: VirtualCamera,
    box: PlacedCuboid,
    style: BoxStyle,
    light: Light,
) -> list[PaintedFace]:
    """Paint and light the faces of a carton that the camera sees."""

    def paint(name: str, wh: tuple[int, int]) -> np.ndarray:
        return paint_face(rng, style, wh, is_main=name in ('+z', '-z', '+y'))

    return paint_faces(rng, camera, box.keypoints_world, light, paint)


def paint_faces(
    rng: np.random.Generator,
    camera: VirtualCamera,
    keypoints: np.ndarray,
    light: Light,
    paint: Callable[[str, tuple[int, int]], np.ndarray],
    glowing: Collection[str] = (),
) -> list[PaintedFace]:
    """Paint and light the faces that the camera sees, at about the size they appear.

    Args:
        rng: Source of randomness.
        camera: The camera.
        keypoints: (9, 3) world, centre and corners.
        light: The light.
        paint: Returns the texture (h, w, 3) uint8 of a face, from its name and width and height.
        glowing: Faces that shine by themselves.
    """
    faces = []
    for name, numbers in FACE_CORNERS.items():
        corners = keypoints[list(numbers)]
        outwards = (corners[0] + corners[2]) / 2 - keypoints[0]
        if outwards @ (camera.position - corners[0]) <= 0:
            continue
        quad = camera.project(corners)
        wh = _texture_wh(quad, (dist(corners[0], corners[1]), dist(corners[0], corners[3])))
        texture = shrink_to_quad(paint(name, wh), quad)
        if name not in glowing:
            normal = outwards / np.linalg.norm(outwards)
            texture = _light_face(rng, texture, normal, light)
        faces.append(PaintedFace(texture, corners))
    return faces


def draw_box(image: np.ndarray, camera: VirtualCamera, faces: list[PaintedFace]) -> None:
    """Draw the visible faces of one box on an image (H, W, 3) uint8, in place.

    Each face is painted beyond its borders before its neighbour covers it, and the silhouette is
    cut out once, so that no background shines through the edges between faces.
    """
    corners = np.concatenate([face.corners_world for face in faces])
    hull = outline_hull(camera, corners)
    outer = bounding_rectangle(hull, camera.image_wh)
    if is_empty(outer):
        return
    left, top, right, bottom = outer
    layer = np.zeros((bottom - top, right - left, 3), dtype=np.uint8)
    parts = []
    for face in faces:
        quad = camera.project(face.corners_world)
        inner = intersect_rectangles(bounding_rectangle(quad, camera.image_wh), outer)
        if is_empty(inner):
            continue
        target = layer[inner[1] - top : inner[3] - top, inner[0] - left : inner[2] - left]
        warped, coverage = warp_into(face.texture, quad, inner), polygon_coverage(quad, inner)
        cv2.copyTo(warped, cv2.dilate(coverage, AROUND), target)
        parts.append((target, warped, coverage))
    for target, warped, coverage in parts:
        blend(target, warped, coverage)
    blend(image[top:bottom, left:right], layer, polygon_coverage(hull, outer))


def paint_flaps(
    rng: np.random.Generator,
    camera: VirtualCamera,
    box: PlacedCuboid,
    style: BoxStyle,
    light: Light,
) -> tuple[list[PaintedFace], list[PaintedFace]]:
    """Paint the four flaps of an open carton.

    Args:
        rng: Source of randomness.
        camera: The camera.
        box: The box; its +y face is the open one.
        style: The box's style.
        light: The light.

    Returns:
        Flaps that the box covers, and flaps that cover it.
    """
    keypoints = box.keypoints_world
    up = box.world_from_object[:, 1]
    behind: list[PaintedFace] = []
    front: list[PaintedFace] = []
    length = min(box.dims[0], box.dims[2]) * rng.uniform(0.3, 0.5)
    for name in ('+x', '-x', '+z', '-z'):
        left, right = keypoints[list(FACE_CORNERS[name][:2])]
        side = keypoints[list(FACE_CORNERS[name])].mean(axis=0) - keypoints[0]
        outwards = side / np.linalg.norm(side)
        angle = rng.uniform(-1.2, 1.4)
        tip = (outwards * np.cos(angle) + up * np.sin(angle)) * length
        skew = (right - left) * rng.uniform(0.0, 0.08)
        corners = np.array([left + tip + skew, right + tip - skew, right, left])
        texture = paint_face(rng, style, (64, 24), is_main=False)
        normal = up * np.cos(angle) - outwards * np.sin(angle)
        flap = PaintedFace(_light_face(rng, texture, normal, light), corners)
        is_near = outwards @ (camera.position - left) > 0
        (front if is_near else behind).append(flap)
    return behind, front


def draw_flaps(image: np.ndarray, camera: VirtualCamera, flaps: list[PaintedFace]) -> None:
    """Draw flaps on an image (H, W, 3) uint8, in place."""
    for flap in flaps:
        if camera.to_cv(flap.corners_world)[:, 2].min() > NEAR:
            draw_quad(image, flap.texture, camera.project(flap.corners_world))


def open_top(rng: np.random.Generator, faces: list[PaintedFace], top: np.ndarray) -> None:
    """Replace the face that points along ``top`` (3,) from the box's middle by a look inside."""
    for number, face in enumerate(faces):
        normal = np.cross(
            face.corners_world[3] - face.corners_world[0],
            face.corners_world[1] - face.corners_world[0],
        )
        if normal @ top > 0.9 * np.linalg.norm(normal):
            depth = np.linspace(rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.4), 9)[:, None, None]
            mean = np.array(cv2.mean(face.texture)[:3])
            inside = np.clip(mean * depth, 0, 255).astype(np.uint8).repeat(9, axis=1)
            faces[number] = PaintedFace(inside, face.corners_world)


def mirror_faces(faces: list[PaintedFace]) -> list[PaintedFace]:
    """Return the faces as a glossy plane mirrors them."""
    mirrored = [f for f in faces if np.ptp(f.corners_world[:, 1]) > 0]
    return [PaintedFace(f.texture, f.corners_world * (1.0, -1.0, 1.0)) for f in mirrored]


def _texture_wh(quad: np.ndarray, lengths: tuple[float, float]) -> tuple[int, int]:
    seen = min(max(*side_lengths(quad), TEXTURE_SIDE[0]), TEXTURE_SIDE[1])
    scale = seen / max(lengths)
    return max(12, round(lengths[0] * scale)), max(12, round(lengths[1] * scale))


def _light_face(
    rng: np.random.Generator, texture: np.ndarray, normal: np.ndarray, light: Light
) -> np.ndarray:
    """Shade a face by Lambert's law with a smooth random gradient and a darker foot."""
    level = light.ambient + (1 - light.ambient) * max(float(normal @ light.direction), 0.0)
    gradient = level * rng.uniform(0.92, 1.1) * (1 + rng.uniform(-0.13, 0.13, (3, 3)))
    if normal[1] < 0.5:
        gradient[2] *= rng.uniform(0.75, 1.0)
    if rng.random() < 0.3:
        row, column = rng.integers(0, 3, 2)
        gradient[row, column] *= rng.uniform(1.0, 1.5)
    tint = 1 + rng.normal(0, 0.015, 3)
    table = np.clip(gradient[..., None] * tint * 128, 0, 255).astype(np.uint8)
    smooth = cv2.resize(table, texture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.multiply(texture, smooth, scale=1 / 128)
