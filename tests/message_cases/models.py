"""Models whose config does not fit, with the keys that the builder knows."""

import pytest
from huggingface_hub import constants

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.codecs.branches import build_branches
from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.codecs.postprocessor import build_postprocessor
from cpose.codecs.symmetries import RotationalSymmetry, parse_symmetric
from cpose.models.backbones import timm_backbone
from cpose.models.data_preprocessor import PoseDataPreprocessor
from cpose.models.detectors.scale_pyramid import refuse_memory_of_scales
from cpose.models.necks import select_levels

PIXELS = {'mean': [0, 0, 0], 'std': [1, 1, 1], 'channel_order': 'bgr', 'size_divisor': 32}
BRANCH = {'type': 'BoxSizeBranch', 'loss': {'type': 'MaskedL1Loss'}}
WEIGHING = {'postprocessor': {'solver': {'type': 'StdWeightedPnP'}}}


def build(**options):
    named = {f'model.{key.replace("__", ".")}': value for key, value in options.items()}
    return lambda folder: build_model(
        load_config('mobilenetv4_small_cuboid', {'model.backbone.pretrained': False, **named})
    )


def read_pixels(**options):
    return lambda folder: PoseDataPreprocessor(**{**PIXELS, **options})


def build_without_network(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, 'HF_HUB_OFFLINE', True)
        patch.setattr(timm_backbone, 'try_to_load_from_cache', lambda *names, **options: None)
        build(backbone__pretrained=True)(folder)


CASES = {
    'weights that cannot be downloaded': build_without_network,
    'branch that is missing': build(head__branches__hp_offset=None),
    'branch whose outputs are there twice': build(head__branches__other=BRANCH),
    'loss that does not fit': build(head__branches__wh__loss__type='KLDUncertaintyLoss'),
    'loss weight': build(head__branches__wh__loss__loss_weight=-1),
    'reference extents': build(
        head__branches__scale__coder={'type': 'ResidualDims', 'reference': [1, 0, 1]}
    ),
    'detections': build(head__codec__num_select=0),
    'stride of the codec': build(head__codec__stride=16),
    'channels of the head': build(head__use_association=True, head__head_conv=40),
    'channels of the neck': build(neck__in_channels=[1, 2]),
    'channels of the neck alone': lambda folder: select_levels((10, 20), (4, 8, 16), 4),
    'stride of the neck': build(neck__out_stride=3),
    'strides of the backbone': lambda folder: select_levels((10, 20), (4, 16), 4),
    'score threshold': build(head__postprocessor__eval_score_thr=1.5),
    'width of soft nms': build(head__postprocessor__nms_sigma=0),
    'refiner of dimensions': build(
        head__postprocessor__dims_refiner={'type': 'ReprojectedDims', 'dims_sigma': 0}
    ),
    'solver without deviations': build(head__postprocessor__solver__type='StdWeightedPnP'),
    'solver without deviations alone': lambda folder: build_postprocessor(WEIGHING),
    'codec without a branch alone': lambda folder: CenterPoseCodec(branches=()),
    'branch of another name': lambda folder: build_branches({'wh': {**BRANCH, 'name': 'a'}}, 1),
    'scales of a network that reads the frame before': lambda folder: refuse_memory_of_scales(
        True, (0.5, 1)
    ),
    'order of colours': read_pixels(channel_order='rbg'),
    'mean of the images': read_pixels(mean=[0]),
    'deviation of the images': read_pixels(std=[1, 0, 1]),
    'order of rotations': lambda folder: RotationalSymmetry(0),
    'symmetry of an object': lambda folder: parse_symmetric('yes'),
}
