"""Path-traced pictures with annotations, each from a seed and its number."""

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cpose.datasets.synthetic.camera_effects import apply_camera
from cpose.datasets.synthetic.scene import MIN_VISIBILITY, Scene, sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.carton import OneCarton
from cpose.datasets.synthetic.shapes.cast import CARTONS, Cast
from cpose.datasets.synthetic_cuboid_dataset import annotate_scene
from cpose.errors import ConfigError
from cpose.registry import SYMMETRIES
from cpose.structures.image_record import CompleteRecord

from .assets import Assets
from .blender import build, render, visible_shares
from .room import Room, sample_room

REALISM = RealismSettings.from_config(
    {
        'box_span': (0.12, 1.0),
        'pitch_deg': (0.0, 88.0),
        'odd_camera': 0.3,
        'rolled': 0.1,
        'free_pose': 0.2,
        'stacks': 0.35,
        'slender': 0.12,
        'negatives': 0.2,
        'solids': (0, 3),
    }
)
"""Hands and flaps are drawn only, see `SyntheticCuboidDataset`."""
OBJECTS = (1, 4)
OWN_REALISM = replace(
    REALISM,
    box_span=(0.2, 0.8),
    pitch_deg=(5.0, 65.0),
    odd_camera=0.2,
    rolled=0.0,
    free_pose=0.0,
    stacks=0.0,
    negatives=0.0,
)
"""One particular box, as somebody photographs it."""
STREAM = 21
"""Part of the seed that keeps these pictures independent of the drawn ones."""
MOST_TRIES = 20


class PathTracedPictures:
    """Pictures by number; the same seed and number give the same picture.

    Args:
        assets: Skies and furniture.
        image_wh: Width and height in pixels.
        seed: Another one gives other pictures.
        samples: Light paths of a pixel.
        threads: Of the processor.
        box: One particular box to show in each picture; None for any boxes, several or none.
    """

    def __init__(
        self,
        assets: Assets,
        image_wh: tuple[int, int],
        seed: int,
        samples: int,
        threads: int,
        box: OneCarton | None = None,
    ) -> None:
        self.cast = CARTONS if box is None else Cast((box,))
        self.realism = REALISM if box is None else OWN_REALISM
        self.objects = OBJECTS if box is None else (1, 1)
        self.assets = assets
        self.image_wh = image_wh
        self.seed = seed
        self.samples = samples
        self.threads = threads

    def record(self, number: int) -> CompleteRecord:
        """Render one picture."""
        rng = np.random.default_rng([self.seed, number, STREAM])
        scene, room = self._sample(rng)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'picture.png')
            render(scene, room, int(rng.integers(1 << 30)), self.samples, self.threads, path)
            image = cv2.imread(str(path))
        annotations = annotate_scene(scene)
        symmetry = SYMMETRIES.build({'type': 'CuboidSymmetry'})
        return CompleteRecord(
            image_path=f'pathtraced/seed{self.seed}_{number:06d}',
            image=apply_camera(rng, image, self.realism),
            image_wh=self.image_wh,
            intrinsics=scene.camera.intrinsics,
            annotations=annotations,
            symmetries=[symmetry] * len(scene.boxes),
        )

    def _sample(self, rng: np.random.Generator) -> tuple[Scene, Room]:
        """Sample scenes until all boxes can be seen behind the furniture."""
        for _ in range(MOST_TRIES):
            scene = sample_scene(rng, self.image_wh, self.objects, self.realism, self.cast)
            room = sample_room(rng, scene, self.assets)
            build(scene, room)
            visibility = visible_shares(scene)
            if (visibility >= MIN_VISIBILITY).all():
                return replace(scene, visibility=visibility), room
        raise ConfigError(
            f'gives no picture in {MOST_TRIES} tries in which all boxes can be seen',
            argument='image_wh',
            value=self.image_wh,
            advice='Choose sides of more equal length',
        )
