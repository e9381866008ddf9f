"""Grey pictures whose brightness tells a perfect detector what to find in them."""

import numpy as np
import torch
from mmengine.config import Config
from scipy.spatial.transform import Rotation

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.geometry.affine import apply_affine, letterbox_affine
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

IMAGE_WH, INPUT_WH = (80, 60), (64, 64)
CAMERA = (75.0, 75.0, 40.0, 30.0)
DIMS = np.array([0.8, 1.0, 0.5])
ROTATION = Rotation.from_rotvec([0.4, -0.7, 0.2])

TINY_CONFIG = {
    'model': {
        'type': 'CenterPose',
        'data_preprocessor': {
            'type': 'PoseDataPreprocessor', 'mean': [0.4, 0.45, 0.5], 'std': [0.3, 0.3, 0.3],
        },
        'backbone': {'type': 'TimmBackbone', 'name': 'test_resnet', 'pretrained': False},
        'neck': {'type': 'IDAUpNeck', 'out_channels': 16},
        'head': {'type': 'CenterPoseHead', 'head_conv': 32},
    },
    'test_dataloader': {
        'dataset': {
            'type': 'CenterPoseDataset',
            'data_root': 'nowhere',
            'input_wh': INPUT_WH,
            'metainfo': {'category': 'cup'},
            'pipeline': [
                {'type': 'LoadPoseImage'}, {'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'},
            ],
        }
    },
}  # fmt: skip


def tiny_config(**changes):
    """Return a config of a network with few weights."""
    return Config({**TINY_CONFIG, **changes})


def box_config():
    """Return a config of a tiny network for boxes that can be tested on a folder."""
    config = tiny_config(default_scope='cpose', test_cfg={})
    config.test_evaluator = load_config('_base_/evaluators/objectron').test_evaluator
    config.test_dataloader.update(
        batch_size=1, num_workers=0, sampler={'type': 'DefaultSampler', 'shuffle': False}
    )
    config.test_dataloader.dataset.metainfo = {
        'category': 'box', 'symmetry': {'type': 'CuboidSymmetry'},
    }  # fmt: skip
    return config


def write_box_model(path):
    """Write a checkpoint of `box_config` that finds much the same box in many places."""
    torch.manual_seed(0)
    config = box_config()
    state = build_model(config).state_dict()
    turned = Rotation.from_euler('yx', [40, 30], degrees=True).apply(4 * CORNER_SIGNS)
    corners = project_points(turned * [1, -1, -1] + [0, 0, 40], np.diag([40.0, 40.0, 1.0]))
    state['head.branches.outputs.hps.out.bias'][:] = torch.from_numpy(corners.ravel())
    state['head.branches.outputs.wh.out.bias'][:] = 8
    state['head.branches.outputs.scale.out.bias'][:] = 1
    torch.save({'state_dict': state, 'meta': {CONFIG_KEY: config_to_json(config)}}, path)
    return path


def grey_image(brightness, image_wh=IMAGE_WH):
    """Return a picture (H, W, 3) in which `PerfectDetector` sees an object if not black."""
    return np.full((image_wh[1], image_wh[0], 3), brightness, dtype=np.uint8)


def location_of(brightness):
    """Return where the object of a picture is, OpenCV camera frame."""
    return np.array([0.002 * brightness - 0.2, 0.1, 3.0])


class PerfectDetector:
    """Stand in for a network: exact corners, score 0.9, as the ONNX outputs.

    Args:
        distortion: Lens through which the pictures were taken.
        image_wh: Size of the pictures.
    """

    def __init__(self, distortion=None, image_wh=IMAGE_WH):
        self.distortion = distortion
        self.image_wh = image_wh
        self.batches = []

    def __call__(self, images):
        brightness = [int(image[0, INPUT_WH[1] // 2, INPUT_WH[0] // 2]) for image in images]
        self.batches.append(brightness)
        found = [self._detect(value) for value in brightness]
        return {name: np.stack([item[name] for item in found]) for name in found[0]}

    def _detect(self, brightness):
        corners = ROTATION.apply(CORNER_SIGNS / 2 * DIMS) + location_of(brightness)
        camera = intrinsic_matrix(*CAMERA)
        corners = project_points(corners, camera, self.distortion)
        cells = apply_affine(letterbox_affine(self.image_wh, INPUT_WH), corners) / 4
        return {
            'bboxes': np.concatenate([cells.min(axis=0), cells.max(axis=0)])[None],
            'scores': np.array([[0.9 if brightness else 0.01]]),
            'clses': np.zeros((1, 1)),
            'obj_scale': DIMS[None],
            'kps_displacement_mean': cells.reshape(1, 16),
            'kps_heatmap_mean': np.full((1, 16), -10000.0),
        }
