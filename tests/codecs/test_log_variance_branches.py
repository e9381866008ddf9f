"""Predicted standard deviations on their way from the raw maps to the results."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cpose.apis.inference.result_json import result_to_dict
from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.errors import ConfigError
from cpose.structures.object_pose import PoseResult

from ..head_parts import make_branches, make_postprocessor
from ..user_errors import raises
from .scenes import make_sample, perfect_maps, slanted_box

MAP_HW = (32, 32)
CAMERA = np.array([[200.0, 0, 64], [0, 200, 64], [0, 0, 1]])
UNSURE = {name: {'type': 'KLDUncertaintyLoss'} for name in ('hps', 'scale')}
BRANCHES = make_branches(UNSURE)


def detect(corner_std=0.5, dims_std=0.1):
    """Return sample and detections of one box; every corner is as unsure in x as in y."""
    codec = CenterPoseCodec(branches=BRANCHES)
    sample = make_sample(slanted_box((60, 60), (41, 37))[None, None])
    maps = perfect_maps(codec, codec.encode([sample]), MAP_HW)
    stds = torch.as_tensor(corner_std, dtype=torch.float32).expand(16).view(1, 16, 1, 1)
    maps['hps_uncertainty'] = 2 * stds.log().expand(1, 16, *MAP_HW)
    maps['scale_uncertainty'] = torch.full((1, 3, *MAP_HW), 2 * float(np.log(dims_std)))
    return replace(sample, intrinsics=CAMERA), codec.decode(maps)


def test_decoded_last_and_in_cells():
    _, decoded = detect()
    assert list(decoded)[7:] == ['kps_displacement_std', 'obj_scale_std']
    torch.testing.assert_close(decoded['kps_displacement_std'][0, 0], torch.full((16,), 0.5))
    torch.testing.assert_close(decoded['obj_scale_std'][0, 0], torch.full((3,), 0.1))


@pytest.mark.parametrize(
    ('coder', 'unit'), [('RelativeDims', 'relative'), ('AbsoluteDims', 'metres')]
)
def test_extents_have_the_unit_of_the_coder(coder, unit):
    branches = make_branches(UNSURE, scale={'coder': {'type': coder}})
    found = {name: out.unit for branch in branches for name, out in branch.outputs.items()}
    assert (found['obj_scale'], found['obj_scale_std']) == (unit, unit)
    assert {'dims_std': unit} in [branch.extras for branch in branches]


def test_pixels_of_the_image():
    """Four pixels a cell, and an input of twice the size of the image, turned by a quarter."""
    sample, decoded = detect(torch.tensor([0.5, 1.5] * 8))
    turned = replace(sample, input_from_image=np.array([[0, -2.0, 256], [2.0, 0, 0]]))
    process = make_postprocessor(branches=BRANCHES)
    straight, rotated = (process(decoded, [view])[0][0] for view in (sample, turned))
    np.testing.assert_allclose(straight.extras['keypoints_std'], [[2, 6]] * 8, rtol=1e-5)
    np.testing.assert_allclose(rotated.extras['keypoints_std'], [[3, 1]] * 8, rtol=1e-5)
    np.testing.assert_allclose(straight.extras['dims_std'], [0.1] * 3, rtol=1e-5)


def test_json_has_them_beside_what_it_had():
    sample, decoded = detect()
    (poses,) = make_postprocessor(branches=BRANCHES)(decoded, [sample])
    (plain,) = make_postprocessor()(decoded, [sample])
    new, old = (
        result_to_dict(PoseResult('a.png', (128, 128), CAMERA, found))['objects'][0]
        for found in (poses, plain)
    )
    assert list(new)[len(old) :] == ['keypoints_std', 'dims_std']
    assert {name: new[name] for name in old} == old
    assert np.shape(new['keypoints_std']) == (8, 2)
    assert np.shape(new['dims_std']) == (3,)


def test_json_refuses_a_name_that_it_has():
    sample, decoded = detect()
    pose = make_postprocessor()(decoded, [sample])[0][0]
    with raises(ConfigError, argument='name', value='bbox'):
        result_to_dict(
            PoseResult('a.png', (128, 128), CAMERA, [replace(pose, extras={'bbox': np.zeros(4)})])
        )


def test_a_model_file_of_the_first_release_lacks_them():
    sample, decoded = detect()
    first = {name: decoded[name] for name in list(decoded)[:7]}
    assert make_postprocessor(branches=BRANCHES)(first, [sample])[0][0].extras == {}
    weighing = make_postprocessor(branches=BRANCHES, solver={'type': 'StdWeightedPnP'})
    with raises(ConfigError, 'model file', argument='solver.type', value='StdWeightedPnP'):
        weighing(first, [sample])


def test_they_weigh_points():
    """Two corners that are far off count as little as the head says."""
    stds = torch.full((16,), 0.05)
    stds[:4] = 10.0
    sample, decoded = detect(stds)
    shifted = decoded['kps_displacement_mean'].clone()
    shifted[..., :4] += 3.0
    unsure = {**decoded, 'kps_displacement_mean': shifted}
    unsure['kps_heatmap_mean'] = torch.full_like(shifted, -10000.0)
    plain = make_postprocessor(branches=BRANCHES)
    weighing = make_postprocessor(branches=BRANCHES, solver={'type': 'StdWeightedPnP'})
    expected = plain(
        {**unsure, 'kps_displacement_mean': decoded['kps_displacement_mean']}, [sample]
    )
    errors = [
        np.linalg.norm(process(unsure, [sample])[0][0].location_cv - expected[0][0].location_cv)
        for process in (plain, weighing)
    ]
    assert errors[1] < 0.2 * errors[0]


def test_nothing_to_weigh_by():
    with raises(ConfigError, argument='solver.type', value='StdWeightedPnP') as caught:
        make_postprocessor(solver={'type': 'StdWeightedPnP'})
    assert 'KLDUncertaintyLoss' in caught.value.advice[0]
