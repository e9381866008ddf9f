"""Flat things: papers, keyboards, phones, mats and cables on the plane, others at any angle."""

from functools import cache

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera, lift
from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.painting.face_elements import draw_panel, draw_text_rows, draw_title
from cpose.datasets.synthetic.painting.materials import BANK_SEED, WALL, sample_colour, sample_near
from cpose.datasets.synthetic.painting.photos import sample_photo
from cpose.datasets.synthetic.painting.raster import draw_quad, fill_polygon
from cpose.datasets.synthetic.painting.upright_items import sample_panel
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.visibility import outline_hull

VARIANTS = 24
"""Number of sheets of each kind."""


def sample_sheet(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return a texture (h, w, 3) uint8 and the sheet's thickness relative to its width."""
    kind = KINDS.sample(rng)
    sheet = sheet_bank(kind)[int(rng.integers(VARIANTS))]
    gain = rng.uniform(0.75, 1.1) * rng.uniform(0.95, 1.05, 3)
    return cv2.transform(sheet, np.diag(gain)), THICKNESS[kind]


@cache
def sheet_bank(kind: str) -> tuple[np.ndarray, ...]:
    """Return the sheets (h, w, 3) uint8 of one kind, the same in every process."""
    rng = np.random.default_rng([BANK_SEED, 4, KINDS.items.index(kind)])
    return tuple(_PAINTERS[kind](rng) for _ in range(VARIANTS))


def _paint_paper(rng: np.random.Generator) -> np.ndarray:
    page = np.empty((140, 100, 3), dtype=np.uint8)
    page[:] = sample_near(rng, WALL)
    for draw, probability in ((draw_text_rows, 0.8), (draw_title, 0.4), (draw_panel, 0.25)):
        if rng.random() < probability:
            draw(rng, page, sample_colour(rng))
    return page


def _paint_keyboard(rng: np.random.Generator) -> np.ndarray:
    is_pale = rng.random() < 0.3
    body, keys = (200, 235) if is_pale else (rng.uniform(8, 40), rng.uniform(25, 70))
    board = np.full((66, 200, 3), body, dtype=np.uint8)
    for row in range(6):
        for column in range(18):
            left, top = 5 + column * 11, 4 + row * 10
            if column != 14:
                board[top : top + 8, left : left + 8] = keys
    return board


def _paint_phone(rng: np.random.Generator) -> np.ndarray:
    phone = np.full((120, 60, 3), rng.uniform(5, 40), dtype=np.uint8)
    if rng.random() < 0.5:
        phone[8:112, 4:56] = sample_photo(rng, (52, 104))
    return phone


def _paint_mat(rng: np.random.Generator) -> np.ndarray:
    mat = np.empty((80, 100, 3), dtype=np.uint8)
    mat[:] = sample_colour(rng)
    if rng.random() < 0.6:
        return cv2.addWeighted(mat, 0.6, sample_photo(rng, (100, 80)), 0.4, 0)
    return mat


_PAINTERS = {
    'paper': _paint_paper,
    'keyboard': _paint_keyboard,
    'phone': _paint_phone,
    'mat': _paint_mat,
}
KINDS = WeightedChoice(dict(zip(_PAINTERS, (0.32, 0.36, 0.16, 0.16), strict=True)))
THICKNESS = {'paper': 0.0, 'keyboard': 0.03, 'phone': 0.03, 'mat': 0.0}


def draw_flat_items(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, support: np.ndarray, count: int
) -> None:
    """Draw things on the plane around the boxes, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        scene: Camera and boxes; the boxes are drawn later and cover what they stand on.
        support: (N, 2) outline of the plane in the image; what would lie beyond it is left out.
        count: Number of things.
    """
    if len(support) < 3:
        return
    outline = support.astype(np.float32)
    extent, centre = _extent(scene)
    for _ in range(count):
        angle, reach = rng.uniform(0, 2 * np.pi), extent * rng.uniform(0.3, 3.0)
        position = centre + reach * np.array([np.cos(angle), np.sin(angle)])
        if not _is_on_support(scene.camera, outline, position):
            continue
        if rng.random() < 0.35:
            _draw_cable(rng, image, scene.camera, position, extent)
        else:
            _draw_sheet(rng, image, scene.camera, position, extent)


def _extent(scene: Scene) -> tuple[float, np.ndarray]:
    if scene.boxes:
        box = scene.boxes[0]
        return float(np.linalg.norm(box.dims)), box.position
    return scene.camera.height * 0.5, np.array([0.0, -2.0 * scene.camera.height])


def _is_on_support(camera: VirtualCamera, outline: np.ndarray, position: np.ndarray) -> bool:
    point = np.array([position[0], 0.0, position[1]])
    if camera.to_cv(point)[2] <= 0:
        return False
    return cv2.pointPolygonTest(outline, camera.project(point).tolist(), False) >= 0


def _draw_sheet(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    position: np.ndarray,
    extent: float,
) -> None:
    texture, thickness = sample_sheet(rng)
    ratio = texture.shape[0] / texture.shape[1]
    long = extent * log_uniform(rng, 0.25, 1.3)
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(angle), np.sin(angle)])
    across, down = axis * long / 2, np.array([-axis[1], axis[0]]) * long * ratio / 2
    flat = position + np.array([-across - down, across - down, across + down, -across + down])
    top = lift(flat, thickness * long)
    if camera.to_cv(top)[:, 2].min() < 0.1 * long or camera.height < 2 * thickness * long:
        return
    dark = np.full(3, rng.uniform(5, 60))
    if thickness > 0:
        fill_polygon(image, outline_hull(camera, np.concatenate([top, top * (1, 0, 1)])), dark)
    draw_quad(image, texture, camera.project(top))


def draw_loose_items(
    rng: np.random.Generator, image: np.ndarray, camera: VirtualCamera, count: int
) -> None:
    """Draw flat things of any size and angle behind everything else, in place."""
    width, height = camera.image_wh
    for _ in range(count):
        ray = camera.ray_world(rng.uniform(0.0, 1.0, 2) * (width, height))
        size = log_uniform(rng, 0.06, 0.6) * max(width, height) / camera.intrinsics[0, 0]
        aside, down = camera.cv_from_world[0], camera.cv_from_world[1]
        turn = cv2.Rodrigues(rng.normal(0, 0.55, 3) + camera.cv_from_world[2] * rng.normal(0, 0.8))
        across, along = turn[0] @ aside * size / 2, turn[0] @ down * size * rng.uniform(0.25, 0.7)
        middle = camera.position + ray
        corners = np.array([-across - along, across - along, across + along, along - across])
        draw_slab(rng, image, camera, middle + corners)


def draw_slab(
    rng: np.random.Generator, image: np.ndarray, camera: VirtualCamera, corners: np.ndarray
) -> None:
    """Draw a thin slab, a screen, sheet or picture, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        camera: The camera.
        corners: (4, 3) top left, top right, bottom right and bottom left of its front, world.
    """
    if camera.to_cv(corners)[:, 2].min() < 0.02:
        return
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    normal = np.cross(across, down)
    if normal @ (camera.position - corners[0]) > 0:
        corners = corners[[1, 0, 3, 2]]
    else:
        normal = -normal
    texture = sample_panel(rng)[1] if rng.random() < 0.6 else sample_sheet(rng)[0]
    if texture.shape[0] < texture.shape[1] and across @ across < down @ down:
        texture = cv2.rotate(texture, cv2.ROTATE_90_CLOCKWISE)
    thickness = rng.uniform(0.0, 0.035) * np.sqrt(across @ across)
    back = corners - normal / np.linalg.norm(normal) * thickness
    rim = np.concatenate([corners, back])
    if camera.to_cv(rim)[:, 2].min() > 0.01:
        fill_polygon(image, outline_hull(camera, rim), np.full(3, rng.uniform(5, 120)))
    draw_quad(image, texture, camera.project(corners))


def _draw_cable(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    position: np.ndarray,
    extent: float,
) -> None:
    steps = rng.normal(0, 0.35, 40).cumsum() + rng.uniform(0, 6.28)
    path = position + np.array([np.cos(steps), np.sin(steps)]).cumsum(1).T * extent * 0.06
    world = lift(path, 0.0)
    depths = camera.to_cv(world)[:, 2]
    if depths.min() < 0.1 * extent:
        return
    pixels = np.round(camera.project(world) * 16).astype(np.int32)
    radius = extent * rng.uniform(0.006, 0.02)
    thickness = min(max(int(camera.intrinsics[0, 0] * radius * 2 / depths.mean()), 1), 12)
    grey = rng.uniform(5, 50) if rng.random() < 0.7 else rng.uniform(180, 240)
    colour = sample_colour(rng) if rng.random() < 0.15 else np.full(3, grey)
    shadow = pixels + np.array([0, thickness * 10], dtype=np.int32)
    cv2.polylines(image, [shadow], False, (colour * 0.4).tolist(), thickness, cv2.LINE_AA, 4)
    cv2.polylines(image, [pixels], False, colour.tolist(), thickness, cv2.LINE_AA, 4)
