"""Results to draw."""

import numpy as np
from scipy.spatial.transform import Rotation

from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations

IMAGE_WH = (800, 600)
CAMERA = intrinsic_matrix(800, 800, 400, 300)


def posed_object(
    location=(0.0, 0.0, 4.0), turn=(2.7, 0.3, 0.9), dims=(1.2, 1.0, 0.8), camera=CAMERA
):
    """Return an object as PnP gives it; by default its front looks at the camera."""
    rotation = Rotation.from_rotvec(turn)
    keypoints = rotation.apply(cuboid_keypoints(np.array(dims))) + location
    corners = project_points(keypoints[1:], camera)
    return ObjectPose(
        score=0.87,
        label=0,
        bbox_image=np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
        corners_image=corners,
        dims=np.array(dims),
        location_cv=np.array(location),
        quaternion_xyzw=rotation.as_quat(),
        keypoints_cv=keypoints,
        keypoints_image=np.concatenate([corners.mean(axis=0)[None], corners]),
    )


def flat_object(corners):
    """Return an object without pose."""
    corners = np.asarray(corners, dtype=np.float64)
    return ObjectPose(0.5, 1, np.zeros(4), corners, np.ones(3))


def annotations_of(pose):
    """Return what an annotation says of one object."""
    return CuboidAnnotations(
        np.zeros(1, int),
        gl_from_cv(pose.keypoints_cv)[None],
        pose.keypoints_image[None],
        pose.dims[None],
        np.ones(1),
    )


def result_of(*poses, intrinsics=CAMERA, image_wh=IMAGE_WH):
    """Return a result of one image."""
    return PoseResult('scene.png', image_wh, intrinsics, list(poses))


def grey_image(image_wh=IMAGE_WH):
    """Return an even picture (H, W, 3)."""
    return np.full((image_wh[1], image_wh[0], 3), 128, dtype=np.uint8)
