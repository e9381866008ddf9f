"""Readers of pictures, annotations and cameras; see `targets`."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.apis.inference.calibration import SceneCameras
from cpose.apis.inference.camera_io import read_camera_file
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.image_reading import read_image
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.registry import DATASETS

from .mutations import spoil_bytes, spoil_tree

SIZE = (64, 64)
MATRIX = [600.0, 0, 320, 0, 600, 240, 0, 0, 1]
CAMERAS = (
    {'camera_matrix': {'rows': 3, 'cols': 3, 'data': [600, 0, 320, 0, 600, 240, 0, 0, 1]}},
    {
        'image_width': 640,
        'image_height': 480,
        'camera_matrix': {'data': [600.0, 0, 320, 0, 600, 240, 0, 0, 1]},
        'distortion_model': 'plumb_bob',
        'distortion_coefficients': {'data': [0.1, 0.01, 0, 0, 0]},
    },
    {'fx': 600, 'fy': 600, 'cx': 320, 'cy': 240, 'width': 640, 'height': 480},
    {
        'width': 640,
        'height': 480,
        'k': MATRIX,
        'roi': {'x_offset': 100, 'y_offset': 50, 'width': 320, 'height': 240},
        'binning_x': 2,
        'binning_y': 2,
    },
    {
        'cam0': {
            'camera_model': 'pinhole',
            'intrinsics': [600.0, 600.0, 320.0, 240.0],
            'distortion_coeffs': [0.1, -0.2, 0.001, 0.002],
            'distortion_model': 'radtan',
            'resolution': [640, 480],
        }
    },
    {'0': {'cam_K': MATRIX}, '12': {'cam_K': [2 * value for value in MATRIX[:8]] + [1]}},
    {'width': 640, 'height': 480, 'intrinsic_matrix': [600.0, 0, 0, 0, 600, 0, 320, 240, 1]},
    [[600.0, 0, 320], [0, 600, 240], [0, 0, 1]],
)


class Annotations:
    """JSON files beside images, used by a training."""

    def prepare(self, folder: Path) -> None:
        """Write a picture with its annotation."""
        self.folder = folder / 'data'
        self.folder.mkdir()
        pictures = SyntheticCuboidDataset(1, image_wh=SIZE)
        self.file = write_record(pictures.load_record(0), self.folder, '0', ('cuboid',))
        self.file = self.file.with_suffix('.json')
        self.content = json.loads(self.file.read_text())
        config = load_config('quickstart').train_dataloader.dataset.to_dict()
        config = {name: config[name] for name in ('pipeline', 'metainfo', 'seed') if name in config}
        self.config = {
            **config,
            'type': 'CenterPoseDataset',
            'data_root': str(self.folder),
            'input_wh': SIZE,
        }

    def attack(self, rng: np.random.Generator) -> bool:
        """Read the folder as a training does."""
        if rng.random() < 0.3:
            self.file.write_bytes(spoil_bytes(rng, json.dumps(self.content).encode()))
        else:
            self.file.write_text(json.dumps(spoil_tree(rng, self.content)))
        with DefaultScope.overwrite_default_scope('cpose'):
            dataset = DATASETS.build(dict(self.config))
            items = [dataset[number] for number in range(len(dataset))]
        return all(torch.isfinite(item['inputs'].float()).all() for item in items)


class Images:
    """Picture files."""

    ENDINGS = ('.jpg', '.png', '.webp', '.tiff', '.bmp')

    def prepare(self, folder: Path) -> None:
        """Encode a picture in every format."""
        image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        self.folder = folder
        self.contents = [cv2.imencode(ending, image)[1].tobytes() for ending in self.ENDINGS]

    def attack(self, rng: np.random.Generator) -> bool:
        """Read it."""
        kind = int(rng.integers(len(self.ENDINGS)))
        path = self.folder / f'picture{self.ENDINGS[kind]}'
        path.write_bytes(spoil_bytes(rng, self.contents[kind]))
        image = read_image(str(path))
        return image.dtype == np.uint8 and image.ndim == 3


class CameraFiles:
    """Calibration files of ROS, OpenCV, Kalibr, BOP, Open3D and others."""

    def prepare(self, folder: Path) -> None:
        """Choose where they are written."""
        self.folder = folder

    def attack(self, rng: np.random.Generator) -> bool:
        """Read one; what is accepted is a camera."""
        content = CAMERAS[int(rng.integers(len(CAMERAS)))]
        path = self.folder / str(rng.choice(['camera.yaml', 'camera.json']))
        if rng.random() < 0.3:
            path.write_bytes(spoil_bytes(rng, json.dumps(content).encode()))
        else:
            path.write_text(json.dumps(spoil_tree(rng, content)))
        found = read_camera_file(path)
        cameras = found.cameras.values() if isinstance(found, SceneCameras) else [found]
        matrices = np.stack([camera.intrinsics for camera in cameras])
        is_finite = np.isfinite(matrices).all()
        return bool(is_finite and (matrices[:, 0, 0] > 0).all() and (matrices[:, 1, 1] > 0).all())
