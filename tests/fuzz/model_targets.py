"""Readers of model files, and of what networks and their dumps hold; see `targets`."""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from mmengine.registry import DefaultScope

from cpose.apis.builder import build_for_inference, build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.config.load import load_config
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice
from cpose.checkpoints.stored_config import config_from_checkpoint
from cpose.cli.main import main
from cpose.codecs.postprocessor import INPUT_WIDTHS, build_postprocessor
from cpose.deploy.model_integrity import remove_checksum
from cpose.evaluation.dump import evaluate_dump
from cpose.geometry.affine import letterbox_affine
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.pose_data_sample import PoseDataSample

from .mutations import spoil_bytes, spoil_tree

SIZE = (64, 64)
TINY = {
    'model.backbone.name': 'test_resnet',
    'model.neck.out_channels': 16,
    'model.neck.out_stride': 4,
    'model.head.head_conv': 16,
    'test_dataloader.dataset.input_wh': SIZE,
    'test_dataloader.dataset.image_wh': SIZE,
}


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
    """An exported model; half of them without checksum, as files of the first release."""

    ending = '.onnx'

    def prepare(self, folder: Path) -> None:
        """Write the model, and keep its bytes without checksum too."""
        super().prepare(folder)
        model = onnx.load_from_string(self.content)
        remove_checksum(model)
        self.bare = model.SerializeToString()

    def attack(self, rng: np.random.Generator) -> bool:
        """Load it and run it; without checksum other weights are not seen."""
        if rng.random() < 0.5:
            return super().attack(rng)
        self.path.write_bytes(spoil_bytes(rng, self.bare))
        self._outputs()
        return True


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
                arrays[name] = flat[: int(rng.integers(len(flat) + 1))]
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
