"""Correct annotations of posed boxes, and ways in which others write the same."""

import copy

import numpy as np

from cpose.geometry.rotation import matrix_from_quaternion, quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV
from cpose.structures.cuboid import cuboid_keypoints

IMAGE_WH = (640, 480)
CAMERA = {'fx': 610.0, 'fy': 590.0, 'cx': 335.0, 'cy': 228.0}


def correct_file(seed, num_objects=1, has_matrix=True, has_points=True):
    """Return the JSON content of one file, in Objectron's conventions."""
    rng = np.random.default_rng(seed)
    objects = [_object(rng, has_points) for _ in range(num_objects)]
    camera = {
        'width': IMAGE_WH[0],
        'height': IMAGE_WH[1],
        'intrinsics': dict(CAMERA),
    }
    if has_matrix:
        camera['camera_projection_matrix'] = objectron_matrix()
    return {'camera_data': camera, 'objects': objects}


def objectron_matrix():
    width, height = IMAGE_WH
    fx, fy, cx, cy = CAMERA.values()
    return [
        [2 * fy / height, 0.0, 1 - 2 * cy / height, 0.0],
        [0.0, 2 * fx / width, 1 - 2 * cx / width, 0.0],
        [0.0, 0.0, -1.0, -0.001],
        [0.0, 0.0, -1.0, 0.0],
    ]


def opengl_matrix():
    """Return the matrix of a camera with x right, y up, z back."""
    width, height = IMAGE_WH
    fx, fy, cx, cy = CAMERA.values()
    return [
        [2 * fx / width, 0.0, 1 - 2 * cx / width, 0.0],
        [0.0, 2 * fy / height, 2 * cy / height - 1, 0.0],
        [0.0, 0.0, -1.0, -0.001],
        [0.0, 0.0, -1.0, 0.0],
    ]


def _object(rng, has_points):
    dims = rng.permutation([0.16, 0.25, 0.4]) * rng.uniform(0.9, 1.1)
    quaternion = rng.normal(size=4)
    rotation_cv = matrix_from_quaternion(quaternion)
    location_cv = np.array([*rng.uniform(-0.4, 0.4, 2), rng.uniform(1.2, 2.5)])
    points_cv = cuboid_keypoints(dims) @ rotation_cv.T + location_cv
    fx, fy, cx, cy = CAMERA.values()
    pixels = points_cv[:, :2] / points_cv[:, 2:] * [fx, fy] + [cx, cy]
    points = points_cv @ GL_FROM_CV
    item = {
        'class': 'cuboid',
        'location': points[0].tolist(),
        'quaternion_xyzw': quaternion_from_matrix(GL_FROM_CV @ rotation_cv).tolist(),
        'projected_cuboid': pixels.tolist(),
        'scale': dims.tolist(),
        'visibility': 1.0,
    }
    if has_points:
        item['keypoints_3d'] = points.tolist()
    return item


def changed(content, **changes):
    """Return a file with changed fields of its objects; a change gets the value as an array."""
    result = copy.deepcopy(content)
    for item in result['objects']:
        for field, change in changes.items():
            if field in item:
                item[field] = np.asarray(change(np.array(item[field]))).tolist()
    return result


def with_camera(content, **changes):
    """Return a file with changed fields of ``camera_data.intrinsics``."""
    result = copy.deepcopy(content)
    result['camera_data']['intrinsics'].update(changes)
    return result


def with_matrix(content, matrix):
    """Return a file with another projection matrix."""
    result = copy.deepcopy(content)
    result['camera_data']['camera_projection_matrix'] = np.asarray(matrix).tolist()
    return result


def in_frame(content, frame_from_objectron):
    """Return a file whose 3D fields are those of another right-handed camera frame."""
    turn = np.array(frame_from_objectron, dtype=np.float64)
    return changed(
        content,
        location=lambda v: turn @ v,
        keypoints_3d=lambda v: v @ turn.T,
        quaternion_xyzw=lambda v: quaternion_from_matrix(turn @ matrix_from_quaternion(v)),
    )


OPENCV = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
OPENGL = np.diag([1, -1, -1]) @ OPENCV
ROS = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]]) @ OPENCV
DOPE = [8, 4, 2, 6, 7, 3, 1, 5, 0]
CENTROID_LAST = [1, 2, 3, 4, 5, 6, 7, 8, 0]
RING = [0, 1, 5, 6, 2, 3, 7, 8, 4]
SWAPPED = [1, 0]
WXYZ = [3, 0, 1, 2]
FIRST = [1, -1, -1, -1]
