import numpy as np
from scipy.spatial.transform import Rotation

from cpose.structures.camera import gl_from_cv
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample
from cpose.visualization.pose_visualizer import annotated_poses, annotated_result

from .scenes import CAMERA, IMAGE_WH, posed_object


def make_annotations(*keypoints_gl):
    count = len(keypoints_gl)
    pose = posed_object()
    return CuboidAnnotations(
        labels=np.arange(count),
        keypoints_gl=np.array(keypoints_gl),
        keypoints_image=np.tile(pose.keypoints_image, (count, 1, 1)),
        dims_metric=np.tile(pose.dims, (count, 1)),
        visibility=np.ones(count),
    )


def test_same_as_the_pose_it_was_made_from():
    pose = posed_object()
    found = annotated_poses(make_annotations(gl_from_cv(pose.keypoints_cv)))[0]
    np.testing.assert_allclose(found.location_cv, pose.location_cv)
    np.testing.assert_allclose(found.keypoints_cv, pose.keypoints_cv)
    np.testing.assert_allclose(found.corners_image, pose.corners_image)
    np.testing.assert_allclose(found.bbox_image, pose.bbox_image)
    turned = (
        Rotation.from_quat(found.quaternion_xyzw) * Rotation.from_quat(pose.quaternion_xyzw).inv()
    )
    assert turned.magnitude() < 1e-9
    assert found.score == 1


def test_objects_without_3d_keypoints_have_no_pose():
    pose = posed_object()
    annotations = make_annotations(np.full((9, 3), np.nan), gl_from_cv(pose.keypoints_cv))
    assert [found.has_pose for found in annotated_poses(annotations)] == [False, True]


def test_result_of_a_sample():
    annotations = make_annotations(gl_from_cv(posed_object().keypoints_cv))
    sample = PoseDataSample(
        'a.png', IMAGE_WH, (512, 512), np.eye(2, 3), CAMERA, annotations=annotations
    )
    result = annotated_result(sample)
    assert (result.image_path, result.image_wh, len(result.poses)) == ('a.png', IMAGE_WH, 1)
    assert annotated_result(PoseDataSample('a', IMAGE_WH, (64, 64), np.eye(2, 3))).poses == []
