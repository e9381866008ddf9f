"""Section ``dataset``."""

from typing import Annotated

from pydantic import Field

from cpose.tao.spec.sections.keys import (
    Number,
    PositiveOfCategories,
    Section,
    Text,
    TextOfCategories,
    Whole,
    key,
)

Triple = Annotated[list[Number], Field(min_length=3, max_length=3)]
EITHER = 'Also in train.loss_config: what is on in either section is on.'
BOTH = 'Also in train.loss_config: what is off in either section is off.'


class Dataset(Section):
    """Where the images are and how they are read."""

    train_data: Text = key('', 'Folder, or .tar.gz of one, with images and JSON files to train on.')
    test_data: Text = key('', 'Folder, or .tar.gz of one, that evaluate scores.')
    val_data: Text = key(
        '',
        'Folder, or .tar.gz of one, for validation while training; empty: train without.',
        'TAO stops without it.',
    )
    inference_data: Text = key(
        '', 'Folder, file, glob, video or .tar.gz; no JSON files are needed.', 'TAO: folders only.'
    )
    batch_size: Whole = key(4, 'Images in a batch, of all tasks.', ge=1)
    workers: Whole = key(8, 'Processes that load images; 0 loads in the main one.', ge=0)
    pin_memory: bool = key(True, 'Load into page-locked memory, for faster copies to a GPU.')
    num_classes: Whole = key(
        1,
        'Categories of a model; left out, as many as dataset.category names.',
        'TAO: 1 only.',
        ge=1,
    )
    num_joints: Whole = key(
        8,
        'Corners of a cuboid.',
        only_because='a cuboid has eight corners; annotations have these and the centre',
    )
    max_objs: Whole = key(10, 'Objects per image that get targets, in file order.', ge=1)
    mean: Triple = key(
        [0.40789654, 0.44719302, 0.47026115], 'Means of blue, green, red, on values 0 to 1.'
    )
    std: Triple = key(
        [0.28863828, 0.27408164, 0.27809835], 'Deviations of blue, green, red, values 0 to 1.'
    )
    eig_val: Triple = key(
        [0.2141788, 0.01817699, 0.00341571],
        'Eigenvalues of the colours, for the lighting augmentation.',
        alias='_eig_val',
    )
    eig_vec: Annotated[list[Triple], Field(min_length=3, max_length=3)] = key(
        [
            [-0.58752847, -0.69563484, 0.41340352],
            [-0.5832747, 0.00994535, -0.81221408],
            [-0.56089297, 0.71832671, 0.41158938],
        ],
        'Eigenvectors of the colours, one per column.',
        alias='_eig_vec',
    )
    category: TextOfCategories = key(
        'cereal_box',
        'Name of the category in results, and, for chair and bottle, its symmetry. Several names '
        'are several categories, which the field class of objects tells apart.',
        'The documentation has no default. TAO: one name.',
    )
    num_symmetry: PositiveOfCategories = key(
        1,
        'Rotations about the up axis that look the same; 1 for chair means 4, for bottle 12. One '
        'number for all categories, or one each.',
        'TAO takes 4 for chair and 12 for bottle whatever is written; here a value above 1 wins.',
    )
    mse_loss: bool = key(False, 'Squared error in place of the focal loss of heatmaps.', EITHER)
    center_3D: bool = key(  # noqa: N815, the name in specs
        False, 'The centre is the projected 3D centre, not that of the 2D box.'
    )
    obj_scale: bool = key(True, 'Train the dimensions.', BOTH)
    use_absolute_scale: bool = key(
        False, 'Predict metres, not extents divided by the height; evaluation takes them as such.'
    )
    obj_scale_uncertainty: bool = key(False, 'Predict the spread of the dimensions too.', EITHER)
    dense_hp: bool = key(False, 'Train displacements around the centre too.', EITHER)
    hps_uncertainty: bool = key(False, 'Predict the spread of displacements too.', EITHER)
    reg_bbox: bool = key(True, 'Train the size of the 2D box.', BOTH)
    reg_offset: bool = key(True, 'Train the sub-cell offset of the centre.', BOTH)
    hm_hp: bool = key(True, 'Train the heatmaps of the corners.', BOTH)
    reg_hp_offset: bool = key(True, 'Train the sub-cell offset of the corners.', BOTH)
    flip_idx: list[list[Whole]] = key(
        [[1, 5], [3, 7], [2, 6], [4, 8]],
        'Corners that a horizontal flip exchanges.',
        only_because='the order of the corners is fixed, and the pairs follow from it',
    )
    no_color_aug: bool = key(False, 'Leave the colours as they are.')
    not_rand_crop: bool = key(
        False, 'Keep the whole image in the middle; flips and rotations stay.', 'TAO stops.'
    )
    aug_rot: Number = key(
        0.0,
        'Probability of a rotation by up to 15 degrees.',
        'TAO declares a whole number and stops above 0.',
        ge=0,
        le=1,
    )
    flip: Number = key(0.5, 'Probability of a flip.', 'TAO: at least 0.1.', ge=0, le=1)
    input_res: Whole = key(
        512, 'Side of the network input, pixels.', 'TAO: 512 only.', ge=32, multiple_of=32
    )
    output_res: Whole = key(
        128,
        'Side of the heatmaps: input_res divided by model.down_ratio.',
        'TAO: 128 only.',
        ge=1,
    )
