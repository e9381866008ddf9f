"""The readers of foreign files, each with sound inputs to spoil and a way to use the result.

A target is a class with ``prepare(folder)``, called once in each process, and ``attack(rng)``,
which spoils an input, uses it, and returns whether what came out is what a sound input gives (True
where nothing can be compared). It raises what the reader raises.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from mmengine.registry import DefaultScope

from cpose.apis.builder import build_for_inference, build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.config.load import load_config
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice
from cpose.apis.inference.calibration import SceneCameras
from cpose.apis.inference.camera_io import read_camera_file
from cpose.apis.training import train
from cpose.checkpoints.stored_config import config_from_checkpoint
from cpose.cli.main import main
from cpose.codecs.postprocessor import INPUT_WIDTHS, build_postprocessor
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.image_reading import read_image
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.evaluation.dump import evaluate_dump
from cpose.geometry.affine import letterbox_affine
from cpose.registry import DATASETS
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.translation.spec_config import load_overlay, training_overlay

from .mutations import ODD_VALUES, spoil_bytes, spoil_tree

SIZE = (64, 64)
TINY = {
    'model.backbone.name': 'test_resnet',
    'model.neck.out_channels': 16,
    'model.neck.out_stride': 4,
    'model.head.head_conv': 16,
    'test_dataloader.dataset.input_wh': SIZE,
    'test_dataloader.dataset.image_wh': SIZE,
}
SHORT = {
    **TINY,
    **{
        f'{part}_dataloader.{key}': value
        for part in ('train', 'val', 'test')
        for key, value in {
            'num_workers': 0,
            'persistent_workers': False,
            'batch_size': 1,
            'dataset.num_images': 2,
            'dataset.image_wh': SIZE,
            'dataset.input_wh': SIZE,
        }.items()
    },
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
}
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
SPEC = {
    'results_dir': 'results',
    'dataset': {'train_data': 'data', 'val_data': 'data', 'category': 'bike', 'batch_size': 4},
    'model': {'backbone': {'model_type': 'DLA34'}, 'down_ratio': 4, 'use_pretrained': False},
    'train': {'num_epochs': 2, 'optim': {'lr': 6e-5, 'lr_steps': [90, 120]}, 'num_gpus': 1},
    'evaluate': {'checkpoint': 'model.pth', 'opencv': False},
    'inference': {'principle_point_x': 300.7, 'focal_length_x': 615.0},
}


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


class ModelFile:
    """A model file, whose outputs must not change without a word."""

    ending = '.pth'

    def prepare(self, folder: Path) -> None:
        """Write a small model and remember what it finds."""
        torch.set_num_threads(1)
        self.config = load_config('quickstart', TINY)
        self.inputs = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
        self.path = folder / f'model{self.ending}'
        write_model(self.config, self.path)
        self.content = self.path.read_bytes()
        self.expected = self._outputs()

    def attack(self, rng: np.random.Generator) -> bool:
        """Load it and run it."""
        self.path.write_bytes(spoil_bytes(rng, self.content))
        found = self._outputs()
        return all(torch.equal(found[name], value) for name, value in self.expected.items())

    def _outputs(self) -> dict[str, torch.Tensor]:
        with DefaultScope.overwrite_default_scope('cpose'), torch.no_grad():
            model = build_for_inference(self.config, self.path, 'cpu')
            return model(self.inputs)


class SafetensorsFile(ModelFile):
    """A checkpoint as safetensors."""

    ending = '.safetensors'


class OnnxFile(ModelFile):
    """An exported model."""

    ending = '.onnx'


class CarriedConfig:
    """The config that a checkpoint carries."""

    def prepare(self, folder: Path) -> None:
        """Take the one of the quickstart."""
        self.content = load_config('quickstart').to_dict()

    def attack(self, rng: np.random.Generator) -> bool:
        """Read and check it."""
        text = json.dumps(spoil_tree(rng, self.content), default=str)
        config = config_from_checkpoint({'meta': {'config_json': text}})
        check_config(load_config(config))
        return True


class Dumps:
    """Predictions written by ``cpose test --dump``."""

    def prepare(self, folder: Path) -> None:
        """Write the dump of a small model."""
        self.path = folder / 'dump.json'
        self.settings = metric_settings(None, {})
        model = folder / 'model.pth'
        write_model(load_config('quickstart', TINY), model)
        options = [f'{key}={value}' for key, value in TINY.items()]
        words = ['test', 'quickstart', str(model), '--dump', str(self.path)]
        few = ['test_dataloader.dataset.num_images=2', 'test_dataloader.num_workers=0']
        assert main([*words, '--work-dir', str(folder), '--cfg-options', *options, *few]) == 0
        self.content = json.loads(self.path.read_text())

    def attack(self, rng: np.random.Generator) -> bool:
        """Score it."""
        if rng.random() < 0.2:
            self.path.write_bytes(spoil_bytes(rng, json.dumps(self.content).encode()))
        else:
            self.path.write_text(json.dumps(spoil_tree(rng, self.content)))
        report = evaluate_dump(self.path, **self.settings)
        value = report['AP50_3DIoU']
        return value is None or bool(np.isnan(value)) or 0 <= value <= 1


class Specs:
    """Spec files of TAO."""

    def prepare(self, folder: Path) -> None:
        """Choose where they are written."""
        self.path = folder / 'spec.yaml'

    def attack(self, rng: np.random.Generator) -> bool:
        """Translate one for a training."""
        text = yaml.safe_dump(SPEC)
        if rng.random() < 0.3:
            self.path.write_bytes(spoil_bytes(rng, text.encode()))
        else:
            self.path.write_text(yaml.safe_dump(spoil_tree(rng, SPEC)))
        check_config(load_overlay(training_overlay(load_spec(self.path, task='train'))))
        return True


class Options:
    """Values of config keys, in a training of two pictures."""

    def prepare(self, folder: Path) -> None:
        """List the keys."""
        self.folder = folder
        self.keys = list(_flat(load_config('quickstart').to_dict()))
        self.number = 0

    def attack(self, rng: np.random.Generator) -> bool:
        """Train with one odd value."""
        key = self.keys[int(rng.integers(len(self.keys)))]
        value = ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
        self.number += 1
        train('quickstart', self.folder / str(self.number), options={**SHORT, key: value})
        return True


class DetectorOutputs:
    """What a network gives, made into poses."""

    def prepare(self, folder: Path) -> None:
        """Build the step that makes poses."""
        config = load_config('quickstart')
        with DefaultScope.overwrite_default_scope('cpose'):
            self.postprocessor = build_postprocessor(config.model.head)
        affine = letterbox_affine((640, 480), (128, 128))
        camera = intrinsic_matrix(600, 600, 320, 240)
        lens = np.array([-0.3, 0.1, 0.001, -0.001])
        self.samples = [
            PoseDataSample('a.png', (640, 480), (128, 128), affine, camera, distortion)
            for distortion in (None, lens)
        ]

    def attack(self, rng: np.random.Generator) -> bool:
        """Spoil random detections; poses that come out are finite and in front of the camera."""
        arrays = {
            name: rng.uniform(0, 16, (1, 20, width)).astype(np.float32)
            for name, width in INPUT_WIDTHS.items()
        }
        arrays['scores'] = np.sort(rng.random((1, 20, 1)).astype(np.float32), axis=1)[:, ::-1]
        arrays['clses'] = np.zeros((1, 20, 1), np.float32)
        odd = [np.nan, np.inf, -np.inf, -6000, -1e4, 2, -1, 1e38, 0.5]
        for _ in range(int(rng.integers(1, 6))):
            name = str(rng.choice(list(arrays)))
            flat = arrays[name].reshape(-1)
            if rng.random() < 0.1:
                arrays[name] = flat[: int(rng.integers(len(flat)))]
            elif len(flat):
                flat = flat.copy()
                flat[int(rng.integers(len(flat)))] = rng.choice(odd)
                arrays[name] = flat.reshape(arrays[name].shape)
        sample = self.samples[int(rng.integers(2))]
        poses = self.postprocessor(arrays, [sample], 0.1)[0]
        return all(
            np.isfinite(pose.score)
            and (not pose.has_pose or np.isfinite(pose.keypoints_cv).all())
            and (not pose.has_pose or pose.keypoints_cv[:, 2].min() > 0)
            for pose in poses
        )


TARGETS = {
    'annotations': Annotations,
    'images': Images,
    'cameras': CameraFiles,
    'checkpoints': ModelFile,
    'safetensors': SafetensorsFile,
    'onnx': OnnxFile,
    'carried configs': CarriedConfig,
    'dumps': Dumps,
    'specs': Specs,
    'options': Options,
    'detections': DetectorOutputs,
}


def write_model(config, path: Path) -> None:
    """Write an untrained model of a config in the format of the ending."""
    torch.manual_seed(0)
    source = path.with_suffix('.source.pth')
    with DefaultScope.overwrite_default_scope('cpose'):
        torch.save({'state_dict': build_model(config).state_dict()}, source)
    if path.suffix == '.onnx':
        options = [f'{key}={value}' for key, value in TINY.items()]
        words = ['export-onnx', 'quickstart', str(source), '--out', str(path)]
        assert main([*words, '--cfg-options', *options]) == 0
    else:
        choice = ConfigChoice(config='quickstart', options=TINY)
        convert_checkpoint(source, path, choice)


def _flat(tree, prefix=''):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f'{prefix}{key}.')
        yield f'{prefix}{key}'
