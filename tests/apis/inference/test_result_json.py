import json
from dataclasses import replace

import numpy as np
import pytest

from cpose.apis.inference.result_json import FRAMES, result_to_dict, write_result_json
from cpose.errors import ConfigError, OutputError
from cpose.geometry.rotation import matrix_from_quaternion, quaternion_from_matrix
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import MetricScale, ObjectPose, PoseResult

from ...user_errors import raises

TURN = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
DIMS = np.array([0.8, 1.0, 0.5])
TAO_KEYS = {
    'id', 'location', 'quaternion_xyzw', 'projected_keypoints_2d', 'keypoints_3d',
    'relative_scale', 'keypoints_2d',
}  # fmt: skip


def make_pose(**changes):
    location = np.array([0.1, -0.2, 4.0])
    keypoints = cuboid_keypoints(DIMS) @ TURN.T + location
    values = {
        'score': 0.75, 'label': 1, 'bbox_image': np.array([1.0, 2, 3, 4]),
        'corners_image': np.arange(16.0).reshape(8, 2), 'dims': DIMS, 'location_cv': location,
        'quaternion_xyzw': quaternion_from_matrix(TURN), 'keypoints_cv': keypoints,
        'keypoints_image': np.arange(18.0).reshape(9, 2),
    }  # fmt: skip
    return ObjectPose(**{**values, **changes})


def test_a_pose_says_how_well_it_fits():
    pose = make_pose(reprojection_error=1.5, relative_error=0.03)
    item = result_to_dict(make_result(pose, make_pose()))['objects'][0]
    assert (item['reprojection_error'], item['relative_error']) == (1.5, 0.03)
    assert 'reprojection_error' not in result_to_dict(make_result(make_pose()))['objects'][0]


def without_pose(failure=None):
    names = ('location_cv', 'quaternion_xyzw', 'keypoints_cv', 'keypoints_image')
    return make_pose(**dict.fromkeys(names), failure=failure)


def make_result(*poses):
    return PoseResult('folder/a.png', (640, 480), intrinsic_matrix(1, 2, 3, 4), list(poses))


def test_keys_and_values():
    content = result_to_dict(make_result(make_pose(), make_pose(score=0.5)), categories=('a', 'b'))
    assert content['image_name'] == 'a.png'
    assert content['image_size'] == [640, 480]
    assert content['intrinsics'] == [[1, 0, 3], [0, 2, 4], [0, 0, 1]]
    assert [item['id'] for item in content['objects']] == ['object_0', 'object_1']
    item = content['objects'][0]
    assert set(item) == TAO_KEYS | {'score', 'label', 'bbox', 'class', 'unit', 'scale_source'}
    assert (item['unit'], item['scale_source']) == ('object_height', None)
    assert item['location'] == [0.1, -0.2, 4.0]
    assert item['relative_scale'] == [0.8, 1.0, 0.5]
    assert item['keypoints_2d'][1] == [2, 3]
    assert item['projected_keypoints_2d'][8] == [16, 17]
    assert (item['score'], item['label'], item['class']) == (0.75, 1, 'b')
    assert item['bbox'] == [1, 2, 3, 4]
    shapes = {name: np.shape(item[name]) for name in ('keypoints_3d', 'quaternion_xyzw')}
    assert shapes == {'keypoints_3d': (9, 3), 'quaternion_xyzw': (4,)}


def test_camera():
    content = result_to_dict(make_result())
    assert (content['distortion'], content['is_camera_guessed']) == (None, False)
    lens = np.array([-0.3, 0.1, 0.0, 0.0])
    content = result_to_dict(replace(make_result(), distortion=lens, is_camera_guessed=True))
    assert (content['distortion'], content['is_camera_guessed']) == ([-0.3, 0.1, 0.0, 0.0], True)


def test_objectron_frame_is_consistent():
    """The pose in that frame rebuilds the keypoints of that frame; image points stay."""
    cv, gl = (
        result_to_dict(make_result(make_pose()), frame)['objects'][0]
        for frame in ('opencv', 'objectron')
    )
    rotation = matrix_from_quaternion(gl['quaternion_xyzw'])
    rebuilt = cuboid_keypoints(DIMS) @ rotation.T + gl['location']
    np.testing.assert_allclose(rebuilt, gl['keypoints_3d'], atol=1e-12)
    np.testing.assert_allclose(gl['keypoints_3d'], gl_from_cv(np.array(cv['keypoints_3d'])))
    assert gl['location'][2] < 0 < cv['location'][2]
    for name in ('projected_keypoints_2d', 'keypoints_2d', 'relative_scale', 'bbox'):
        assert gl[name] == cv[name]


@pytest.mark.parametrize('frame', ['opencv', 'objectron'])
def test_without_pose(frame):
    result = make_result(without_pose('the points lie on a line'), without_pose())
    failed, plain = result_to_dict(result, frame)['objects']
    assert set(failed) >= TAO_KEYS
    for name in ('location', 'quaternion_xyzw', 'keypoints_3d', 'projected_keypoints_2d'):
        assert failed[name] is None
    assert failed['failure'] == 'the points lie on a line'
    assert 'failure' not in plain
    assert 'class' not in plain


def test_metres():
    """Uncertainties turn with the frame; relative dimensions stay what they were."""
    std = np.array([0.01, 0.02, 0.03])
    scale = MetricScale('depth', 0.5, location_std=std, dims_std=std / 10)
    pose = make_pose(dims=0.5 * DIMS, metric_scale=scale)
    cv, gl = (result_to_dict(make_result(pose), frame)['objects'][0] for frame in FRAMES)
    assert (cv['unit'], cv['scale_source']) == ('m', 'depth')
    assert cv['dimensions'] == [0.4, 0.5, 0.25]
    assert cv['relative_scale'] == [0.8, 1.0, 0.5]
    assert cv['dimensions_std'] == pytest.approx([0.001, 0.002, 0.003])
    assert cv['location_std'] == [0.01, 0.02, 0.03]
    assert gl['location_std'] == [0.02, 0.01, 0.03]
    failed = make_pose(metric_scale=MetricScale('depth', failure='too dark'))
    item = result_to_dict(make_result(failed))['objects'][0]
    assert (item['unit'], item['scale_source']) == ('object_height', None)
    assert item['scale_failure'] == 'too dark'
    assert 'dimensions' not in item


def test_unknown_frame():
    with raises(ConfigError, argument='frame', value='opengl'):
        result_to_dict(make_result(), 'opengl')


def test_file_is_strict_json(tmp_path):
    corners = np.arange(16.0).reshape(8, 2)
    corners[2, 1] = np.nan
    path = tmp_path / 'sub' / 'a.json'
    write_result_json(path, make_result(make_pose(corners_image=corners)))
    text = path.read_text()
    assert 'NaN' not in text
    assert json.loads(text)['objects'][0]['keypoints_2d'][2] == [4, None]


def test_no_objects_and_no_camera(tmp_path):
    write_result_json(tmp_path / 'a.json', PoseResult('a.png', (4, 3), None))
    content = json.loads((tmp_path / 'a.json').read_text())
    assert content['objects'] == []
    assert content['intrinsics'] is None


def test_unwritable(tmp_path):
    (tmp_path / 'file').write_text('')
    with raises(OutputError, argument='out', path=tmp_path / 'file' / 'a.json'):
        write_result_json(tmp_path / 'file' / 'a.json', make_result())
