"""Endless pictures of boxes and other objects with exact annotations, made while training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import Scene, sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.cast import build_cast, label_shapes
from cpose.errors import ConfigError, check_number, check_range
from cpose.registry import DATASETS
from cpose.structures.camera import gl_from_cv
from cpose.structures.image_record import CompleteRecord
from cpose.structures.pose_data_sample import CuboidAnnotations

SCENE_STREAM, PICTURE_STREAM = 11, 12
"""Parts of the seed that keep geometry and looks independent of each other."""

MAX_OBJECTS = 12
MIN_SIDE, MAX_SIDE = 64, 16384
"""Pixels, of a picture."""


@DATASETS.register_module()
class SyntheticCuboidDataset(PoseDataset):
    """Objects of known shapes on tables and floors, drawn from a seed; no files are involved.

    An image depends on (seed, its number) alone: not on the process, the order or the number of
    workers. Other seeds, or numbers from ``start_index`` on that training does not reach, are
    held-out data.

    Args:
        num_images: Length of the dataset.
        pipeline: Configs of the transforms.
        start_index: Number of the first image.
        image_wh: Width and height of the pictures in pixels.
        objects: Least and greatest number of annotated objects in a picture.
        shape: Config of what they are, of the registry SHAPES; None for cartons. Several configs
            are several categories, see `label_shapes`.
        distractors: Configs of the shapes of objects that stand around them, not annotated;
            ``realism.props`` says how many. Those that look like the shape are left out.
        realism: Changes to the defaults of `RealismSettings`.
        fresh_each_epoch: Continue with new images in every epoch instead of repeating the same.
        metainfo: Meta information, by default that of the shapes.
        input_wh: Width and height of the network input.
        seed: Seed of pictures and augmentation.
    """

    def __init__(
        self,
        num_images: int,
        pipeline: Sequence[Mapping[str, Any]] = (),
        start_index: int = 0,
        image_wh: tuple[int, int] = (512, 512),
        objects: tuple[int, int] = (1, 1),
        shape: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        distractors: Sequence[Mapping[str, Any]] = (),
        realism: Mapping[str, Any] | None = None,
        fresh_each_epoch: bool = False,
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
    ) -> None:
        self.cast = build_cast(shape or {'type': 'Carton'}, distractors)
        super().__init__(pipeline, metainfo or self.cast.metainfo, input_wh, seed)
        numbers = {'num_images': (num_images, 1), 'start_index': (start_index, 0)}
        for name, (value, least) in numbers.items():
            check_number(name, value, least=least, is_whole=True)
        self._labels = np.array(label_shapes(self.cast, self.metainfo['category']), dtype=np.int64)
        self.num_images = num_images
        self.start_index = start_index
        self.image_wh = check_image_wh(image_wh)
        self.objects = check_range('objects', objects, 0, MAX_OBJECTS, is_whole=True)
        self.realism = RealismSettings.from_config(realism)
        self.fresh_each_epoch = fresh_each_epoch

    def __len__(self) -> int:
        """Return the number of images in an epoch."""
        return self.num_images

    def load_record(self, index: int) -> CompleteRecord:
        """Draw one picture.

        Args:
            index: 0 to ``num_images`` − 1.

        Returns:
            The picture and everything about it; the path is a name, there is no file.
        """
        number = self.image_number(index)
        scene = self._scene(number)
        picture_rng = np.random.default_rng([self.seed, number, PICTURE_STREAM, 0])
        labels = self._labels[scene.shape_numbers]
        return CompleteRecord(
            image_path=f'synthetic/seed{self.seed}_{number:08d}',
            image=render_scene(picture_rng, scene, self.realism),
            image_wh=self.image_wh,
            intrinsics=scene.camera.intrinsics,
            annotations=annotate_scene(scene, labels),
            symmetries=[self._symmetries[label] for label in labels],
        )

    def _scene(self, number: int) -> Scene:
        rng = np.random.default_rng([self.seed, number, SCENE_STREAM, 0])
        return sample_scene(rng, self.image_wh, self.objects, self.realism, self.cast)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of a picture without drawing it; the only one, where there is one."""
        if len(self._labels) == 1:
            return self._labels.tolist()
        return self._labels[self._scene(self.image_number(idx)).shape_numbers].tolist()

    def image_number(self, index: int) -> int:
        """Return the number of the picture at an index in the current epoch."""
        if not 0 <= index < self.num_images:
            raise IndexError(f'index {index} is outside 0 to {self.num_images - 1}.')
        epoch = self.epoch if self.fresh_each_epoch else 0
        return self.start_index + epoch * self.num_images + index


def annotate_scene(scene: Scene, labels: np.ndarray | None = None) -> CuboidAnnotations:
    """Return the annotation of a scene; without labels they are all 0.

    The plane's point lies in the middle of the boxes. There is no plane if a box does not stand
    on it: the metric would take it for the place of every box's bottom.
    """
    camera, boxes = scene.camera, scene.boxes
    world = np.array([box.keypoints_world for box in boxes]).reshape(-1, 9, 3)
    middle = world[:, 0].mean(axis=0) if boxes else np.array([0.0, 0.0, -2 * camera.height])
    ground = gl_from_cv(camera.to_cv(middle * (1.0, 0.0, 1.0)))
    normal = gl_from_cv(camera.cv_from_world[:, 1])
    return CuboidAnnotations(
        labels=np.zeros(len(boxes), dtype=np.int64) if labels is None else labels,
        keypoints_gl=gl_from_cv(camera.to_cv(world)),
        keypoints_image=camera.project(world),
        dims_metric=np.array([box.dims for box in boxes]).reshape(-1, 3),
        visibility=scene.visibility,
        plane_gl=np.stack([ground, normal]) if all(b.is_standing for b in boxes) else None,
    )


def check_image_wh(image_wh: Any) -> tuple[int, int]:
    """Return width and height of drawn pictures.

    Raises:
        ConfigError: If they are not two whole numbers of a possible size.
    """
    is_pair = isinstance(image_wh, list | tuple) and len(image_wh) == 2
    for side in image_wh if is_pair else (image_wh,):
        check_number('image_wh', side, least=MIN_SIDE, most=MAX_SIDE, is_whole=True)
    if not is_pair:
        raise ConfigError('must be width and height', argument='image_wh', value=image_wh)
    return int(image_wh[0]), int(image_wh[1])
