"""Videos of moving boxes before a turning camera, with something that passes in front of them.

What a frame shows depends on its number alone: textures and surroundings are painted once.
Time is in seconds from the first frame on, in which nothing has moved yet.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.camera_effects import apply_camera
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.painting.box_painter import FACE_CORNERS, PaintedFace, draw_box
from cpose.datasets.synthetic.painting.raster import shrink_to_quad
from cpose.datasets.synthetic.painting.shadows import draw_shadows
from cpose.datasets.synthetic.painting.textures import paint_face, sample_style
from cpose.datasets.synthetic.render import draw_surroundings
from cpose.datasets.synthetic.scene import Scene, sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.solids import Solid, draw_solid, sample_solid
from cpose.datasets.synthetic.visibility import measure_visibility, sort_far_to_near

FPS = 15.0
MARGIN = 0.5
"""Pixels around the picture in which surroundings are painted, as a share of its sides."""
LARGEST_TURN = np.radians([4.0, 3.0, 2.0])
"""Of the camera about its x, y and z axis to either side."""
TEXTURE_SIDE = 160
NEAREST = 0.05
"""Metres in front of the camera from which on things are drawn."""
REACH = 0.9
"""Way of what passes in front to either side, as a share of its distance."""
NEARER = 0.6
"""Distance of what passes in front, as a share of that of the first box."""


@dataclass(frozen=True)
class Sway:
    """Smooth motion that is 0 at the beginning.

    Attributes:
        reach: (n,) amplitudes.
        speed: (n,) radians/s.
        phase: (n,) radians.
    """

    reach: np.ndarray
    speed: np.ndarray
    phase: np.ndarray

    @classmethod
    def sample(cls, rng: np.random.Generator, reach: np.ndarray) -> 'Sway':
        """Sample speeds and phases."""
        shape = np.shape(reach)
        return cls(reach, rng.uniform(0.5, 2.0, shape), rng.uniform(0, 2 * np.pi, shape))

    def at(self, time: float) -> np.ndarray:
        """Return the displacements (n,) at a time."""
        return self.reach * (np.sin(self.speed * time + self.phase) - np.sin(self.phase))


@dataclass(frozen=True)
class BoxMotion:
    """How a box moves.

    Attributes:
        shift: Along world X and Z, metres.
        spin: About its own y axis, radians/s.
        lift: Of what is lifted, metres, and how fast, radians/s.
    """

    shift: Sway
    spin: float
    lift: tuple[float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator, box: Box) -> 'BoxMotion':
        """Sample a motion that suits the size of a box."""
        size = float(np.linalg.norm(box.dims))
        shift = Sway.sample(rng, size * rng.uniform(0.05, 0.4, 2))
        height = size * rng.uniform(0.1, 0.5) if rng.random() < 0.3 else 0.0
        return cls(shift, rng.uniform(-0.8, 0.8), (height, rng.uniform(0.5, 1.5)))

    def apply(self, box: Box, time: float) -> Box:
        """Return the box at a time."""
        height, speed = self.lift
        return replace(
            box,
            position=box.position + self.shift.at(time),
            yaw=box.yaw + self.spin * time,
            level=box.level + height * np.sin(speed * time / 2) ** 2,
        )


@dataclass(frozen=True)
class Video:
    """A scene that moves.

    Attributes:
        scene: The first frame.
        motions: Of its boxes.
        turn: Of the camera about its axes, radians.
        passing: What passes in front of the boxes; None for nothing.
        seconds: How long that takes; then it comes back. Usually the length of the video.
        looks: Seed of what is painted.
        realism: What surrounds the boxes and what the camera does.
    """

    scene: Scene
    motions: list[BoxMotion]
    turn: Sway
    passing: Solid | None
    seconds: float
    looks: tuple[int, ...]
    realism: RealismSettings

    def at(self, frame: int) -> Scene:
        """Return what stands where in a frame; what passes in front is the only solid."""
        time = frame / FPS
        rotation = cv2.Rodrigues(self.turn.at(time))[0] @ self.scene.camera.cv_from_world
        camera = replace(self.scene.camera, cv_from_world=rotation)
        pairs = zip(self.scene.boxes, self.motions, strict=True)
        boxes = [motion.apply(box, time) for box, motion in pairs]
        passing = [] if self.passing is None else [self._pass(self.passing, time)]
        order = sort_far_to_near([*boxes, *passing], camera.height)
        visibility = measure_visibility(camera, boxes, passing, order)
        return replace(
            self.scene,
            camera=camera,
            boxes=boxes,
            solids=[*passing],
            order=order,
            visibility=visibility,
        )

    def render(self, frame: int) -> np.ndarray:
        """Return a frame, (H, W, 3) uint8 BGR."""
        scene = self.at(frame)
        camera = scene.camera
        canvas, support, canvas_camera = self._surroundings
        turn = camera.cv_from_world @ canvas_camera.cv_from_world.T
        frame_from_canvas = camera.intrinsics @ turn @ np.linalg.inv(canvas_camera.intrinsics)
        image = cv2.warpPerspective(
            canvas, frame_from_canvas, camera.image_wh, borderMode=cv2.BORDER_REPLICATE
        )
        if len(support) >= 3:
            seen = cv2.perspectiveTransform(support[None].astype(np.float64), frame_from_canvas)
            draw_shadows(image, scene, seen[0])
        for number in scene.order:
            self._draw(image, scene, number)
        return apply_camera(np.random.default_rng([*self.looks, 0]), image, self.realism)

    def _draw(self, image: np.ndarray, scene: Scene, number: int) -> None:
        camera, light, item = scene.camera, scene.light, scene.items[number]
        if isinstance(item, Solid):
            if camera.to_cv(item.outline_world)[:, 2].min() > NEAREST:
                draw_solid(image, camera, item, light.direction, light.ambient)
            return
        faces = _visible_faces(item, camera, self._textures[number], light)
        if faces:
            draw_box(image, camera, faces)

    def _pass(self, solid: Solid, time: float) -> Solid:
        """Return what passes in front at a time: from one side to the other, and back."""
        towards = solid.position / np.linalg.norm(solid.position)
        aside = np.array([-towards[1], towards[0]])
        way = 1 - 2 * abs(1 - time / self.seconds % 2)
        reach = REACH * np.linalg.norm(solid.position) * way
        return replace(solid, position=solid.position + aside * reach)

    @cached_property
    def _surroundings(self) -> tuple[np.ndarray, np.ndarray, VirtualCamera]:
        """Return a picture larger than the frames, the outline of the support in it, its camera."""
        base = self.scene.camera
        margin = np.round(MARGIN * np.array(base.image_wh)).astype(int)
        intrinsics = base.intrinsics.copy()
        intrinsics[:2, 2] += margin
        width, height = (np.array(base.image_wh) + 2 * margin).tolist()
        camera = replace(base, image_wh=(width, height), intrinsics=intrinsics)
        rng = np.random.default_rng([*self.looks, 1])
        scene = replace(self.scene, camera=camera)
        image, support = draw_surroundings(rng, scene, self.realism)
        return image, support, camera

    @cached_property
    def _textures(self) -> list[dict[str, np.ndarray]]:
        """Return the faces of all boxes, by name."""
        return [
            _paint(np.random.default_rng([*self.looks, 2, number]), box, self.realism)
            for number, box in enumerate(self.scene.boxes)
        ]


def sample_video(
    seed: tuple[int, ...],
    image_wh: tuple[int, int],
    objects: tuple[int, int],
    frames: int,
    realism: RealismSettings,
) -> Video:
    """Sample a video of boxes.

    Args:
        seed: Decides everything.
        image_wh: Width and height in pixels.
        objects: Least and greatest number of boxes.
        frames: Length of the video.
        realism: Sizes of boxes and what surrounds them, without ``solids``, ``hands`` and
            ``reflection``; ``occluder`` is the probability of something that passes in front.

    Raises:
        ConfigError: If no scene was found, see `sample_scene`.
    """
    rng = np.random.default_rng([*seed, 3])
    scene = sample_scene(rng, image_wh, objects, replace(realism, solids=(0, 0), hands=0.0))
    motions = [BoxMotion.sample(rng, box) for box in scene.boxes]
    turn = Sway.sample(rng, LARGEST_TURN * rng.uniform(0.2, 1.0, 3))
    is_covered = bool(scene.boxes) and rng.random() < realism.occluder
    passing = _sample_passing(rng, scene) if is_covered else None
    return Video(scene, motions, turn, passing, frames / FPS, (*seed, 4), realism)


def _sample_passing(rng: np.random.Generator, scene: Scene) -> Solid:
    """Sample a thing half-way to the first box that reaches above the line of sight."""
    first = scene.boxes[0]
    size = float(np.linalg.norm(first.dims))
    line = (1 - NEARER) * scene.camera.height + NEARER * first.keypoints_world[0, 1]
    height = line + size * rng.uniform(0.1, 0.5)
    return sample_solid(rng, NEARER * first.position, height, left_out=('ball', 'bowl', 'cup'))


def _paint(rng: np.random.Generator, box: Box, realism: RealismSettings) -> dict[str, np.ndarray]:
    style = sample_style(rng, realism.print_density)
    longest = box.dims.max()
    sides = {'x': (2, 1), 'y': (0, 2), 'z': (0, 1)}
    faces = {}
    for name in FACE_CORNERS:
        across, down = (box.dims[axis] / longest * TEXTURE_SIDE for axis in sides[name[1]])
        wh = max(12, round(across)), max(12, round(down))
        faces[name] = paint_face(rng, style, wh, is_main=name in ('+z', '-z', '+y'))
    return faces


def _visible_faces(
    box: Box, camera: VirtualCamera, textures: dict[str, np.ndarray], light: Light
) -> list[PaintedFace]:
    """Return the faces that the camera sees, lit by Lambert's law."""
    keypoints = box.keypoints_world
    if camera.to_cv(keypoints)[:, 2].min() <= NEAREST:
        return []
    faces = []
    for name, numbers in FACE_CORNERS.items():
        corners = keypoints[list(numbers)]
        outwards = (corners[0] + corners[2]) / 2 - keypoints[0]
        if outwards @ (camera.position - corners[0]) > 0:
            normal = outwards / np.linalg.norm(outwards)
            level = light.ambient + (1 - light.ambient) * max(float(normal @ light.direction), 0.0)
            texture = shrink_to_quad(textures[name], camera.project(corners))
            faces.append(PaintedFace(cv2.convertScaleAbs(texture, alpha=level), corners))
    return faces
