import numpy as np

from cpose.structures.object_pose import ObjectPose, PoseResult


def make_pose(**changes):
    values = {
        'score': 0.5, 'label': 0, 'bbox_image': np.zeros(4),
        'corners_image': np.zeros((8, 2)), 'dims': np.ones(3),
    }  # fmt: skip
    return ObjectPose(**{**values, **changes})


def test_a_pose_is_there_or_not():
    assert not make_pose(failure='too few points').has_pose
    assert make_pose(keypoints_cv=np.zeros((9, 3))).has_pose


def test_a_result_starts_empty():
    first, second = (PoseResult(name, (4, 3), None) for name in 'ab')
    assert first.poses == []
    assert first.poses is not second.poses
