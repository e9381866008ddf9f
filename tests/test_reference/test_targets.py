"""Targets drawn from annotations against the reference's, with the reference's rules."""

import json

import numpy as np
import pytest
import torch

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.geometry.affine import crop_affine
from cpose.registry import TRANSFORMS
from cpose.structures.cuboid import FLIP_CORNERS

BUILT_IN_ORDERS = {'chair': 4, 'bottle': 12}
"""What the reference does whatever ``num_symmetry`` says."""

STEPS = [{'type': 'LoadPoseImage'}, {'type': 'ExpandSymmetries'}, {'type': 'TruncateCorners'}]


def find_cases(root):
    """Return every stored target set: evaluation, and each augmentation of training."""
    file = root / 'targets_meta.json'
    if not file.exists():
        return {}
    cases = {}
    for name, facts in json.loads(file.read_text()).items():
        config = facts.get('config')
        if config is None:
            continue
        stored = root / f'targets_{name}.npz'
        if stored.exists():
            cases[name] = (name, config, stored, '')
        training = root / f'targets_train_{name}.npz'
        if training.exists():
            heads = {key.partition('_')[0] for key in np.load(training).files}
            prefixes = {head for head in heads if head.isdigit()}
            for prefix in sorted(prefixes):
                cases[f'{name}-train{prefix}'] = (name, config, training, f'{prefix}_')
    return cases


@pytest.fixture
def stored(case):
    prefix = case[3]
    arrays = np.load(case[2])
    return {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}


@pytest.fixture
def sample(case, stored, reference_dir, tmp_path):
    name, config, _, _ = case
    for file in (reference_dir / 'annotations').glob(f'{name}.*'):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    order = BUILT_IN_ORDERS.get(config['category'], config['num_symmetry'])
    symmetry = (
        {'type': 'RotationalSymmetry', 'order': order} if order > 1 else {'type': 'NoSymmetry'}
    )
    side = config['input_res']
    dataset = CenterPoseDataset(
        str(tmp_path),
        STEPS,
        metainfo={'category': config['category'], 'symmetry': symmetry},
        input_wh=(side, side),
        max_objs=config['max_objs'],
    )
    record = dataset[0]
    if 'crop_center' in stored:
        flipped = bool(stored['flipped'])
        record['input_from_image'] = crop_affine(
            stored['crop_center'],
            float(stored['crop_size']),
            (side, side),
            float(stored['crop_rot_deg']),
            record['image_wh'][0] if flipped else None,
        )
        if flipped:
            record['cand_corners'] = record['cand_corners'][:, :, FLIP_CORNERS]
    else:
        record = TRANSFORMS.build({'type': 'LetterboxAffine'})(record)
    return TRANSFORMS.build({'type': 'PackPoseInputs'})(record)['data_samples']


@pytest.fixture
def codec(case):
    config = case[1]
    return CenterPoseCodec(
        stride=config['input_res'] // config['output_res'],
        corner_rule={'type': 'TruncatedCorners'},
    )


def padded(value, shape):
    """Fill the rows and objects that a batch without them leaves out."""
    result = np.zeros(shape, dtype=value.dtype)
    result[tuple(slice(0, size) for size in value.shape)] = value
    return result


def test_indexed_targets(stored, sample, codec):
    targets = {key: value[0].numpy() for key, value in codec.encode([sample]).items()}
    rows, objects = stored['ind'].shape
    corner_shape = (rows, objects, 8)
    pairs = {
        'reg_mask': targets['object_mask'],
        'ind': targets['center_index'],
        'wh': targets['box_size_wh'],
        'reg': targets['center_offset'],
        'scale': targets['dims'],
        'hps': targets['keypoint_displacement'],
        'hps_mask': targets['keypoint_displacement_mask'],
        'hp_ind': targets['keypoint_index'],
        'hp_mask': targets['keypoint_mask'],
        'hp_offset': targets['keypoint_offset'],
    }
    for name, value in pairs.items():
        expected = stored[name]
        if name.startswith('hp_'):
            expected = expected.reshape(*corner_shape, *expected.shape[2:])
        actual = padded(value, expected.shape)
        if expected.dtype.kind == 'f':
            np.testing.assert_allclose(actual, expected, atol=2e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(actual, expected, err_msg=name)
    assert stored['reg_mask'].any()


def test_heatmaps(stored, sample, codec):
    size = stored['hm'].shape[-2:]
    for name, value in codec.draw_heatmaps(codec.encode([sample]), size).items():
        expected = torch.from_numpy(stored[name])
        actual = padded(value[0].numpy(), expected.shape)
        np.testing.assert_allclose(actual, expected, atol=1e-6, err_msg=name)
        assert ((actual == 1) == (expected.numpy() == 1)).all()
