"""Decoded detections against the reference's."""

import json

import numpy as np
import pytest

from cpose.codecs.centerpose_codec import CenterPoseCodec

from .planted_maps import rebuild_maps

OUTPUTS = ('bboxes', 'scores', 'kps', 'clses', 'obj_scale', 'kps_displacement_mean')


def find_cases(root):
    return {file.stem: file for file in sorted(root.glob('decode_*.json'))}


@pytest.fixture
def decoded(case):
    facts = json.loads(case.read_text())
    maps = rebuild_maps(facts)
    before = {name: value.clone() for name, value in maps.items()}
    detections = CenterPoseCodec(num_select=facts['num_select']).decode(maps)
    for name, value in before.items():
        assert value.equal(maps[name]), f'decode changed {name}'
    return {name: value.numpy() for name, value in detections.items()}


def compare(decoded, expected, prefix, names):
    for image, count in enumerate(expected[f'{prefix}_num_above_0.05']):
        assert (decoded['scores'][image, count:] < 0.05).all()
        for name in names:
            tolerance = 1e-5 if name == 'scores' else 1e-4
            np.testing.assert_allclose(
                decoded[name][image, :count],
                expected[f'{prefix}_{name}'][image, :count],
                atol=tolerance,
                err_msg=f'{name} of image {image}',
            )


def test_reference_outputs(case, decoded):
    compare(decoded, np.load(case.with_suffix('.npz')), 'ref', OUTPUTS)


def test_intended_outputs(case, decoded):
    names = (*OUTPUTS, 'kps_heatmap_mean')
    expected = np.load(case.with_suffix('.npz'))
    compare(decoded, expected, 'intended', names)
    found = expected['intended_kps_heatmap_mean'] > -5000
    assert found.any()
