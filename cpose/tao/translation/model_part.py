"""The network, from a spec."""

from typing import Any

from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.data_part import num_classes

BASES = {
    'DLA34': 'cpose::_base_/models/dla34.py',
    'fan_small': 'cpose::_base_/models/fan_small.py',
    'fan_base': 'cpose::_base_/models/fan_base.py',
    'fan_large': 'cpose::_base_/models/fan_large.py',
}

TOGGLES = {
    'wh': 'reg_bbox',
    'reg': 'reg_offset',
    'hm_hp': 'hm_hp',
    'hp_offset': 'reg_hp_offset',
    'scale': 'obj_scale',
}
"""Branch to what switches it off, in ``dataset`` or ``train.loss_config``."""
EXCLUSIVE = (
    ('dense_hp', 'hps_uncertainty'),
    ('use_absolute_scale', 'use_residual'),
)


def branch_losses(spec: TaoSpec) -> dict[str, dict[str, Any] | None]:
    """Return the loss of each branch, config ``model.head.branches.*.loss``.

    Raises:
        ConfigError: If toggles contradict each other.
    """
    for pair in EXCLUSIVE:
        if all(is_on(spec, toggle) for toggle in pair):
            first, second = (_key_that_is_on(spec, toggle) for toggle in pair)
            raise spec.wrong(
                second,
                f'and {first} exclude each other',
                'Set one of them to false; dataset and train.loss_config both count',
            )
    weights = spec.values.train.loss_config
    heatmap = 'HeatmapMSELoss' if is_on(spec, 'mse_loss') else 'GaussianFocalLoss'
    displacement = 'DenseDisplacementLoss' if is_on(spec, 'dense_hp') else 'MaskedL1Loss'
    if is_on(spec, 'hps_uncertainty'):
        displacement = 'KLDUncertaintyLoss'
    dims = 'KLDUncertaintyLoss' if is_on(spec, 'obj_scale_uncertainty') else 'MaskedL1Loss'
    terms: dict[str, dict[str, Any] | None] = {
        'hm': {'type': heatmap, 'loss_weight': weights.hm_weight},
        'hm_hp': {'type': heatmap, 'loss_weight': weights.hm_hp_weight},
        'hps': {'type': displacement, 'loss_weight': weights.hp_weight},
        'wh': {'type': 'MaskedL1Loss', 'loss_weight': weights.wh_weight},
        'reg': {'type': 'MaskedL1Loss', 'loss_weight': weights.off_weight},
        'hp_offset': {'type': 'MaskedL1Loss', 'loss_weight': weights.off_weight},
        'scale': {'type': dims, 'loss_weight': weights.obj_scale_weight},
    }
    for branch, toggle in TOGGLES.items():
        if not is_trained(spec, toggle):
            terms[branch] = None
    return terms


def is_on(spec: TaoSpec, toggle: str) -> bool:
    """Whether a toggle is true in ``dataset`` or in ``train.loss_config``."""
    return any(getattr(section, toggle, False) for section in _sections(spec).values())


def is_trained(spec: TaoSpec, toggle: str) -> bool:
    """Whether a toggle is true in ``dataset`` and in ``train.loss_config``."""
    return all(getattr(section, toggle, True) for section in _sections(spec).values())


def _key_that_is_on(spec: TaoSpec, toggle: str) -> str:
    sections = _sections(spec).items()
    return next(f'{name}.{toggle}' for name, section in sections if getattr(section, toggle, False))


def _sections(spec: TaoSpec) -> dict[str, Any]:
    return {'dataset': spec.values.dataset, 'train.loss_config': spec.values.train.loss_config}


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
        'num_select': num_select,
        'center_rule': {'type': 'ProjectedCenter' if dataset.center_3D else 'BoxCenter'},
    }
    branches: dict[str, Any] = {
        name: {'loss': None if loss is None else {'_delete_': True, **loss}}
        for name, loss in branch_losses(spec).items()
    }
    branches['scale']['coder'] = _dims_coder(spec)
    return {
        'data_preprocessor': {'mean': dataset.mean, 'std': dataset.std},
        'backbone': _backbone(spec),
        'neck': neck,
        'head': {
            'num_classes': num_classes(spec),
            'head_conv': model.head_conv,
            'use_association': model.use_convGRU,
            'branches': branches,
            'codec': codec,
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
        raise spec.wrong(
            'model.use_pretrained',
            f'needs a file, as {backbone.model_type} has no weights to download',
            (
                'Give it as model.backbone.pretrained_backbone_path',
                'Set model.use_pretrained=false',
            ),
        )
    return {'with_checkpoint': True, **weights}


def _dims_coder(spec: TaoSpec) -> dict[str, Any]:
    """Return what the branch of the dimensions predicts.

    Raises:
        ConfigError: If the reference of residuals is not three numbers, for all categories or each.
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
    count = 3 * num_classes(spec)
    if len(reference) not in (3, count) or min(reference) <= 0:
        each = '' if count == 3 else f', or {count}, three for each category,'
        raise spec.wrong(
            'train.loss_config.dimension_ref',
            f'must be three numbers above 0{each} where use_residual is true',
            'Give the mean x, y, z extents divided by y, for example "0.6, 1, 0.3"',
        )
    rows = [reference[start : start + 3] for start in range(0, len(reference), 3)]
    return {'type': 'ResidualDims', 'reference': reference if len(rows) == 1 else rows}
