"""Section ``train.loss_config``."""

from typing import Literal

from cpose.tao.spec.keys import Number, Section, Text, Whole, key

EITHER = 'Also in dataset: what is on in either section is on. TAO stops if it is on.'
BOTH = 'Also in dataset: what is off in either section is off.'
WEIGHT = 'TAO: whole numbers only.'


class LossConfig(Section):
    """Terms of the loss and their weights."""

    mse_loss: bool = key(False, 'Squared error in place of the focal loss of heatmaps.', EITHER)
    dense_hp: bool = key(False, 'Train displacements around the centre too.', EITHER)
    reg_loss: Literal['l1'] = key('l1', 'Kind of the regression losses.', 'TAO ignores the value.')
    num_stacks: Whole = key(
        1, 'Stacked networks.', only_because='none of the backbones repeats its outputs'
    )
    hps_uncertainty: bool = key(False, 'Predict the spread of displacements too.', EITHER)
    wh_weight: Number = key(0.1, 'Weight of the 2D box size.', 'TAO: 0.1 only.', ge=0)
    reg_bbox: bool = key(True, 'Train the size of the 2D box.', BOTH)
    reg_offset: bool = key(True, 'Train the sub-cell offset of the centre.', BOTH)
    reg_hp_offset: bool = key(True, 'Train the sub-cell offset of the corners.', BOTH)
    obj_scale: bool = key(True, 'Train the dimensions.', BOTH)
    obj_scale_weight: Number = key(1.0, 'Weight of the dimensions.', WEIGHT, ge=0)
    obj_scale_uncertainty: bool = key(False, 'Predict the spread of the dimensions too.', EITHER)
    use_residual: bool = key(
        False,
        'Predict the logarithm of the dimensions over those of dimension_ref.',
        'TAO stops if it is on.',
    )
    dimension_ref: Text = key(
        '', 'Mean extents along x, y, z divided by y, for use_residual: "0.6, 1, 0.3".'
    )
    off_weight: Number = key(1.0, 'Weight of both sub-cell offsets.', WEIGHT, ge=0)
    hm_hp: bool = key(True, 'Train the heatmaps of the corners.', BOTH)
    hm_hp_weight: Number = key(1.0, 'Weight of the heatmaps of the corners.', WEIGHT, ge=0)
    hm_weight: Number = key(1.0, 'Weight of the heatmap of the centre.', WEIGHT, ge=0)
    hp_weight: Number = key(1.0, 'Weight of the displacements.', WEIGHT, ge=0)
