"""Light on smooth surfaces: shading, reflections of a room, glass."""

from dataclasses import dataclass

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.shapes.lathe import Easel

MAP_SIDE = 64
LONGEST_ROW = 4096


@dataclass(frozen=True)
class Finish:
    """How a surface reflects.

    Attributes:
        room: (64, 64) float32 light that a sphere of the material reflects, as the camera sees
            it, 0 to about 1.
        strength: Factor on it where the surface faces the camera.
        edge: The same at the silhouette.
    """

    room: np.ndarray
    strength: float
    edge: float


def sample_finish(
    rng: np.random.Generator, light: Light, camera_rotation: np.ndarray, gloss: float
) -> Finish:
    """Sample what a surface reflects: the lamp, windows, a bright ceiling and a dark table.

    Args:
        rng: Source of randomness.
        light: The light.
        camera_rotation: (3, 3) from the world to the OpenCV camera frame.
        gloss: 0 for a dull surface to 1 for glass.
    """
    room = np.zeros((MAP_SIDE, MAP_SIDE), dtype=np.float32)
    lamp = camera_rotation @ light.direction
    _add_highlight(room, lamp, rng.uniform(0.5, 1.3), np.full(2, log_uniform(rng, 0.02, 0.1)))
    for _ in range(int(rng.integers(0, 4))):
        place = rng.normal(size=3) * (1.0, 0.6, 0.4) + (0.0, -0.3, -0.3)
        size = np.array([log_uniform(rng, 0.03, 0.18), log_uniform(rng, 0.05, 0.3)])
        _add_highlight(room, place, rng.uniform(0.25, 1.0), size)
    rows = np.linspace(-1, 1, MAP_SIDE)[:, None]
    sky = rng.uniform(0.0, 0.35) / (1 + np.exp((rows + rng.uniform(-0.3, 0.5)) * 9))
    room += sky.astype(np.float32)
    blur = 0.4 + 5.0 * (1 - gloss) ** 1.5
    blurred = np.asarray(cv2.GaussianBlur(room, (0, 0), blur))
    return Finish(blurred, (0.1 + 0.8 * gloss**2) * rng.uniform(0.5, 1.2), 0.3 + 0.7 * gloss)


def _add_highlight(
    room: np.ndarray, towards: np.ndarray, brightness: float, size: np.ndarray
) -> None:
    """Brighten where a sphere mirrors something in a direction, OpenCV camera frame."""
    half = towards / max(float(np.linalg.norm(towards)), 1e-6) + (0.0, 0.0, -1.0)
    normal = half / max(float(np.linalg.norm(half)), 1e-6)
    if normal[2] > -0.05:
        return
    middle = (normal[:2] * 0.5 + 0.5) * (MAP_SIDE - 1)
    low = np.round((middle - size * MAP_SIDE / 2) * 16).astype(int).tolist()
    high = np.round((middle + size * MAP_SIDE / 2) * 16).astype(int).tolist()
    cv2.rectangle(room, low, high, brightness, -1, cv2.LINE_8, 4)


@dataclass(frozen=True)
class Lighting:
    """What light does at points of a surface. Letters: N points.

    Attributes:
        diffuse: (N,) factor on the colour.
        mirrored: (N,) grey levels to add.
        facing: (N,) cosine between normal and view, 0 at the silhouette to 1.
    """

    diffuse: np.ndarray
    mirrored: np.ndarray
    facing: np.ndarray

    def shade(self, colours: np.ndarray) -> np.ndarray:
        """Light colours (N, 3), grey levels."""
        return np.asarray(colours * self.diffuse[:, None] + self.mirrored[:, None])


def light_surface(easel: Easel, normals: np.ndarray, light: Light, finish: Finish) -> Lighting:
    """Light points of a surface from their unit normals (3, N), frame ``turned``."""
    towards = (easel.world_from_turned.T @ light.direction).astype(np.float32)
    up = easel.world_from_turned[1].astype(np.float32)
    lambert = np.clip(towards @ normals * 0.85 + 0.2, 0, 1.1)
    everywhere = light.ambient * (0.9 + 0.1 * (up @ normals))
    diffuse = everywhere + (1 - light.ambient) * lambert
    x, y, z = easel.turned_from_cv.T.astype(np.float32) @ normals
    facing = np.clip(-z, 0, 1)
    place = np.float32((MAP_SIDE - 1) / 2)
    room = look_up(finish.room, x * place + place, y * place + place)
    gain = finish.strength + (finish.edge - finish.strength) * (1 - facing) ** 3
    return Lighting(diffuse, 255 * room * gain, facing)


def look_up(texture: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return the values (N,) or (N, C) of a texture at places (N,) float32, pixels of it."""
    # OpenCV's maps must not be longer than 32767.
    rows = len(across) // LONGEST_ROW + 1
    fill = rows * LONGEST_ROW - len(across)
    columns, lines = (np.pad(part, (0, fill)).reshape(rows, LONGEST_ROW) for part in (across, down))
    found = cv2.remap(texture, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found).reshape(-1, *texture.shape[2:])[: len(across)]


def see_through(
    behind: np.ndarray, tint: np.ndarray, facing: np.ndarray, density: float
) -> np.ndarray:
    """Return what is seen through coloured walls, darker where they are cut at a flat angle.

    Args:
        behind: (N, 3) colours behind, grey levels.
        tint: (3,) or (N, 3) share of each colour that a wall lets through, 0 to 1.
        facing: (N,) cosine between normal and view.
        density: How much longer the way through the wall gets at the silhouette.
    """
    length = 1 + density * (1 - facing) ** 2
    return np.asarray(behind * np.maximum(tint, 0.02) ** length[:, None])
