"""From decoder outputs to poses against the reference's chain."""

import json

import numpy as np
import pytest

from cpose.geometry.affine import letterbox_affine
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.pose_data_sample import PoseDataSample

from ..head_parts import make_postprocessor

INPUT_WH = (512, 512)
REFERENCE_RULES = {'solver': {'type': 'IterativePnP'}}


def find_cases(root):
    cases = {}
    for file in sorted(root.glob('decode_*.json')):
        for chain in json.loads(file.read_text())['chain']:
            cases[f'{file.stem}-{chain}'] = (file, chain)
    return cases


def load_chain(case):
    file, chain = case
    facts = json.loads(file.read_text())
    arrays = np.load(file.with_suffix('.npz'))
    prefix = f'{chain}_'
    decoded = {name.removeprefix(prefix): arrays[name] for name in arrays if prefix in name}
    image_wh = tuple(facts['image_wh'])
    affine = letterbox_affine(image_wh, INPUT_WH)
    camera = intrinsic_matrix(**facts['intrinsics'])
    sample = PoseDataSample('image', image_wh, INPUT_WH, affine, camera)
    return decoded, [sample] * len(decoded['scores']), facts['chain'][chain]


@pytest.fixture
def chain(case):
    return load_chain(case)


def test_transformed(chain):
    """With a threshold of 0 and no overlap counted, all detections come out as transformed."""
    decoded, samples, expected = chain
    postprocessor = make_postprocessor(eval_score_thr=0.0, nms_sigma=1e9, use_pnp=False)
    for poses, records in zip(
        postprocessor(decoded, samples), expected['transformed'], strict=True
    ):
        for pose, record in zip(poses[: len(records)], records, strict=True):
            assert_record(pose, record)


def test_merged(chain):
    decoded, samples, expected = chain
    found = make_postprocessor(use_pnp=False)(decoded, samples)
    assert [len(poses) for poses in found] == expected['num_merged']
    for poses, records in zip(found, expected['merged_soft_nms'], strict=True):
        for pose, record in zip(poses, records, strict=True):
            assert_record(pose, record)


def assert_record(pose, record):
    assert pose.score == pytest.approx(record['score'], abs=1e-5)
    assert pose.label == record['cls']
    np.testing.assert_allclose(pose.bbox_image, record['bbox'], atol=1e-3)
    np.testing.assert_allclose(pose.dims, record['obj_scale'], atol=1e-5)
    corners = np.reshape(record['kps_displacement_mean'], (8, 2))
    np.testing.assert_allclose(pose.corners_image, corners, atol=1e-3)


@pytest.mark.parametrize('frame', ['cv', 'gl'])
def test_poses(chain, frame):
    decoded, samples, expected = chain
    found = make_postprocessor(**REFERENCE_RULES)(decoded, samples)
    for poses, arrays in zip(found, expected[f'pnp_opencv_{frame == "cv"}'], strict=True):
        poses = [pose for pose in poses if pose.has_pose]
        assert len(poses) == len(arrays['score'])
        for index, pose in enumerate(poses):
            record = {name: np.array(values[index]) for name, values in arrays.items()}
            assert_pose(pose, record, frame)


def assert_pose(pose, record, frame):
    convert = gl_from_cv if frame == 'gl' else np.asarray
    depth = np.linalg.norm(record['location'])
    assert pose.score == pytest.approx(record['score'], abs=1e-5)
    for value, name in ((pose.location_cv, 'location'), (pose.keypoints_cv, 'point_3d_cam')):
        np.testing.assert_allclose(convert(value), record[name], atol=1e-3 * depth)
    np.testing.assert_allclose(pose.keypoints_image, record['projected_points'], atol=0.01)
    np.testing.assert_allclose(pose.corners_image, record['keypoints_2d'], atol=1e-3)
    if frame == 'cv':
        agreement = abs(pose.quaternion_xyzw @ record['quaternion'])
        assert agreement == pytest.approx(1, abs=1e-6)


def test_default_solver_finds_more(chain):
    decoded, samples, expected = chain
    found = make_postprocessor()(decoded, samples)
    for poses, arrays in zip(found, expected['pnp_opencv_True'], strict=True):
        solved = {round(pose.score, 4): pose for pose in poses if pose.has_pose}
        assert len(solved) == len(poses)
        for score, location in zip(arrays['score'], arrays['location'], strict=True):
            error = np.linalg.norm(solved[round(score, 4)].location_cv - location)
            assert error < 1e-3 * np.linalg.norm(location)
