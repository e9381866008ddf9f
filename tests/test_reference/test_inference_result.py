"""Result files against the reference's, in both frames."""

import json

import numpy as np
import pytest

from cpose.apis.inference.result_json import result_to_dict
from cpose.geometry.affine import letterbox_affine
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

from ..head_parts import make_postprocessor

INPUT_WH = (512, 512)


def find_cases(root):
    return {file.stem: file for file in sorted(root.glob('inference_result*.json'))}


def load_recovered(root):
    """Return what the reference's decoder outputs become, for all images of all files."""
    for file in sorted(root.glob('decode_*.json')):
        facts = json.loads(file.read_text())
        arrays = np.load(file.with_suffix('.npz'))
        decoded = {name[4:]: arrays[name] for name in arrays if name.startswith('ref_')}
        image_wh = tuple(facts['image_wh'])
        camera = intrinsic_matrix(**facts['intrinsics'])
        affine = letterbox_affine(image_wh, INPUT_WH)
        sample = PoseDataSample('sample.png', image_wh, INPUT_WH, affine, camera)
        samples = [sample] * len(decoded['scores'])
        for poses in make_postprocessor(solver={'type': 'IterativePnP'})(decoded, samples):
            yield PoseResult('sample.png', image_wh, camera, poses)


@pytest.fixture
def pair(case):
    expected = json.loads(case.read_text())
    frame = 'objectron' if 'opengl' in case.stem else 'opencv'
    for result in load_recovered(case.parent):
        found = result_to_dict(result, frame)
        if len(found['objects']) == len(expected['objects']) and np.allclose(
            found['objects'][0]['keypoints_2d'], expected['objects'][0]['keypoints_2d'], atol=1e-3
        ):
            return found, expected
    return pytest.fail('no decoded image is the one of the file')


def test_same_file(pair):
    found, expected = pair
    assert set(expected) <= set(found)
    assert found['image_name'] == expected['image_name']
    for item, other in zip(found['objects'], expected['objects'], strict=True):
        assert set(other) <= set(item)
        assert item['id'] == other['id']
        depth = np.linalg.norm(other['location'])
        for name in ('location', 'keypoints_3d'):
            np.testing.assert_allclose(item[name], other[name], atol=1e-3 * depth)
        for name, tolerance in (
            ('projected_keypoints_2d', 0.01),
            ('keypoints_2d', 1e-3),
            ('relative_scale', 1e-5),
        ):
            np.testing.assert_allclose(item[name], other[name], atol=tolerance, err_msg=name)
        agreement = abs(np.dot(item['quaternion_xyzw'], other['quaternion_xyzw']))
        assert agreement == pytest.approx(1, abs=1e-6)
