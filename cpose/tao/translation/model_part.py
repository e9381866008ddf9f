"""The network, from a spec."""

from typing import Any

from cpose.errors import ConfigError
from cpose.tao.spec_file import TaoSpec
from cpose.tao.translation.loss_part import is_on, loss_terms

BASES = {
    'DLA34': 'cpose::_base_/models/dla34.py',
    'fan_small': 'cpose::_base_/models/fan_small.py',
    'fan_base': 'cpose::_base_/models/fan_base.py',
    'fan_large': 'cpose::_base_/models/fan_large.py',
}


def model_base(spec: TaoSpec) -> str:
    """Return the config that the network inherits."""
    return BASES[spec.values.model.backbone.model_type]


def model_part(spec: TaoSpec, num_select: int = 100) -> dict[str, Any]:
    """Return the config key ``model``.

    Args:
        spec: The spec.
        num_select: Detections per image.

    Raises:
        ConfigError: If values contradict each other.
    """
    model, dataset = spec.values.model, spec.values.dataset
    neck: dict[str, int] = {'out_stride': model.down_ratio}
    if model.out_channel:
        neck['out_channels'] = model.out_channel
    codec = {
        'type': 'CenterPoseCodec',
        'max_objs': dataset.max_objs,
        'num_select': num_select,
        'center_rule': {'type': 'ProjectedCenter' if dataset.center_3D else 'BoxCenter'},
        'dims_coder': _dims_coder(spec),
    }
    return {
        'data_preprocessor': {'mean': dataset.mean, 'std': dataset.std},
        'backbone': _backbone(spec),
        'neck': neck,
        'head': {
            'num_classes': dataset.num_classes,
            'head_conv': model.head_conv,
            'use_association': model.use_convGRU,
            'codec': codec,
            'criterion': {'type': 'CenterPoseLoss', 'terms': loss_terms(spec)},
        },
    }


def _backbone(spec: TaoSpec) -> dict[str, Any]:
    """Return weights and memory saving of the backbone.

    Raises:
        ConfigError: If a FAN shall be pretrained and the weights are not given.
    """
    backbone, is_pretrained = spec.values.model.backbone, spec.values.model.use_pretrained
    path = backbone.pretrained_backbone_path
    weights: dict[str, Any] = {'pretrained_path': path} if path else {}
    if backbone.model_type == 'DLA34':
        return weights or {'pretrained': is_pretrained}
    if is_pretrained and not path:
        raise ConfigError(
            f'{spec.origin.place("model.use_pretrained")}: model.use_pretrained=true, but '
            f'model.backbone.pretrained_backbone_path is empty, and {backbone.model_type} has no '
            'weights to download. Give their file, or set model.use_pretrained=false.'
        )
    return {'with_checkpoint': True, **weights}


def _dims_coder(spec: TaoSpec) -> dict[str, Any]:
    """Return what the branch of the dimensions predicts.

    Raises:
        ConfigError: If the reference of residuals is not three numbers.
    """
    if spec.values.dataset.use_absolute_scale:
        return {'type': 'AbsoluteDims'}
    if not is_on(spec, 'use_residual'):
        return {'type': 'RelativeDims'}
    text = spec.values.train.loss_config.dimension_ref
    try:
        reference = [float(part) for part in text.strip('[]() ').replace(',', ' ').split()]
    except ValueError:
        reference = []
    if len(reference) != 3 or min(reference) <= 0:
        raise ConfigError(
            f'{spec.origin.place("train.loss_config.dimension_ref")}: '
            f'train.loss_config.dimension_ref={text!r} is not allowed with use_residual. Allowed: '
            'three numbers above 0, mean x, y, z extents divided by y, for example "0.6, 1, 0.3".'
        )
    return {'type': 'ResidualDims', 'reference': reference}
