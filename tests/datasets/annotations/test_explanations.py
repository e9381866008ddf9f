import json

import numpy as np
import pytest

from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.annotations.conventions import TIMES
from cpose.datasets.annotations.explanations import check_fields

from .written_files import (
    CAMERA,
    CENTROID_LAST,
    DOPE,
    IMAGE_WH,
    OPENCV,
    OPENGL,
    RING,
    ROS,
    SWAPPED,
    WXYZ,
    changed,
    correct_file,
    in_frame,
    with_camera,
)

SEEDS = range(4)


def parse(content, convention=None):
    return parse_annotation(json.loads(json.dumps(content)), 'a.json', convention)


def forms(content):
    """Return the forms that explain a file, and the relations that nothing explains."""
    return [found.form or found.relation for found in check_fields(parse(content).fields)]


def take(order):
    return lambda value: value[..., order]


def points(order):
    return lambda value: value[order]


def mirrored(content):
    """Return a file of a left-handed camera frame and left-handed objects, as Unity has them."""
    unity_from_objectron = np.diag([1, -1, 1]) @ OPENCV
    order = [0, 5, 6, 7, 8, 1, 2, 3, 4]
    return changed(
        content,
        location=lambda v: unity_from_objectron @ v,
        keypoints_3d=lambda v: (v @ unity_from_objectron.T)[order],
        projected_cuboid=points(order),
        quaternion_xyzw=lambda v: v * np.nan,
    )


W, H = IMAGE_WH
VARIANTS = {
    'camera_frame=opencv': lambda c: in_frame(c, OPENCV),
    'camera_frame=opengl': lambda c: in_frame(c, OPENGL),
    'camera_frame=ros': lambda c: in_frame(c, ROS),
    'camera_frame=pytorch3d': lambda c: in_frame(c, np.diag([-1, -1, 1]) @ OPENCV),
    'keypoints_3d=opencv': lambda c: changed(c, keypoints_3d=lambda v: v @ OPENCV.T),
    'pose=opencv': lambda c: {
        **c,
        'objects': [
            {**new, 'keypoints_3d': old['keypoints_3d']}
            for new, old in zip(in_frame(c, OPENCV)['objects'], c['objects'], strict=True)
        ],
    },
    'projected_cuboid=centroid_last': lambda c: changed(c, projected_cuboid=points(CENTROID_LAST)),
    'projected_cuboid=dope': lambda c: changed(c, projected_cuboid=points(DOPE)),
    'projected_cuboid=0-1-5-6-2-3-7-8-4': lambda c: changed(c, projected_cuboid=points(RING)),
    'keypoint_order=centroid_last': lambda c: changed(
        c, projected_cuboid=points(CENTROID_LAST), keypoints_3d=points(CENTROID_LAST)
    ),
    'projected_cuboid=normalised': lambda c: changed(c, projected_cuboid=lambda v: v / [W, H]),
    'projected_cuboid=ndc': lambda c: changed(c, projected_cuboid=lambda v: 2 * v / [W, H] - 1),
    'projected_cuboid=exchanged': lambda c: changed(c, projected_cuboid=take(SWAPPED)),
    'projected_cuboid=from_bottom': lambda c: changed(
        c, projected_cuboid=lambda v: v * [1, -1] + [0, H]
    ),
    'scale=centimetres': lambda c: changed(c, scale=lambda v: v * 100),
    'scale=millimetres': lambda c: changed(c, scale=lambda v: v * 1000),
    'scale=half': lambda c: changed(c, scale=lambda v: v / 2),
    'scale=zyx': lambda c: changed(c, scale=take([2, 1, 0])),
    'scale=yzx': lambda c: changed(c, scale=take([1, 2, 0])),
    'camera_unit=centimetres': lambda c: changed(
        c, keypoints_3d=lambda v: v * 100, location=lambda v: v * 100
    ),
    'camera_unit=millimetres': lambda c: changed(
        c, keypoints_3d=lambda v: v * 1000, location=lambda v: v * 1000
    ),
    'quaternion_xyzw=wxyz': lambda c: changed(c, quaternion_xyzw=take(WXYZ)),
    'quaternion_xyzw=inverse': lambda c: changed(c, quaternion_xyzw=lambda v: v * [-1, -1, -1, 1]),
    'location=centimetres': lambda c: changed(c, location=lambda v: v * 100),
    'intrinsics=zero_principal_point': lambda c: with_camera(c, cx=0, cy=0),
    'intrinsics=exchanged': lambda c: with_camera(c, cx=CAMERA['cy'], cy=CAMERA['cx']),
    'intrinsics=exchanged_focal': lambda c: with_camera(c, fx=CAMERA['fy'], fy=CAMERA['fx']),
    'intrinsics=normalised': lambda c: with_camera(
        c, fx=CAMERA['fx'] / W, fy=CAMERA['fy'] / H, cx=CAMERA['cx'] / W, cy=CAMERA['cy'] / H
    ),
    f'intrinsics={TIMES}0.5': lambda c: with_camera(c, **{k: 2 * v for k, v in CAMERA.items()}),
    'intrinsics=of_projection': lambda c: with_camera(c, cx=400.0, fy=800.0),
}
NEEDS_MATRIX = ('intrinsics=of_projection',)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('has_matrix', [True, False])
@pytest.mark.parametrize('has_points', [True, False])
def test_correct_files_agree(seed, has_matrix, has_points):
    content = correct_file(seed, 2, has_matrix, has_points)
    assert forms(content) == []
    cut = changed(content, projected_cuboid=np.trunc)
    assert forms(cut) == []


@pytest.mark.parametrize('form', VARIANTS)
@pytest.mark.parametrize('seed', SEEDS)
def test_what_explains_a_file(form, seed):
    assert forms(VARIANTS[form](correct_file(seed, 1 + seed % 2))) == [form]
