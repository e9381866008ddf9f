"""Which loss belongs to which branch, from the toggles and weights of a spec."""

from typing import Any

from cpose.errors import ConfigError
from cpose.tao.spec_file import TaoSpec

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


def loss_terms(spec: TaoSpec) -> dict[str, dict[str, Any] | None]:
    """Return the config ``model.head.criterion.terms``.

    Raises:
        ConfigError: If toggles contradict each other.
    """
    for pair in EXCLUSIVE:
        if all(is_on(spec, toggle) for toggle in pair):
            first, second = (_key_that_is_on(spec, toggle) for toggle in pair)
            raise ConfigError(
                f'{spec.origin.place(second)}: {second}=true and {first}=true exclude each other. '
                'Allowed: one of them true; dataset and train.loss_config both count.'
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
