import json

import numpy as np
import pytest

from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.conventions.explanations import check_fields
from cpose.datasets.conventions.names import TIMES
from cpose.errors import DataError

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
    objectron_matrix,
    opengl_matrix,
    with_camera,
    with_matrix,
)

SEEDS = range(2)


def parse(content, convention=None):
    return parse_annotation(json.loads(json.dumps(content)), 'a.json', convention)


def forms(content):
    """Return the forms that explain a file, and the relations that nothing explains."""
    return [found.form or found.relation for found in check_fields(parse(content).fields)]


def forms_or_error(content):
    """Return the forms, or the message of points that span no cuboid, without quotes."""
    try:
        return forms(content)
    except DataError as error:
        return [str(error).replace("'", '')]


def take(order):
    return lambda value: value[..., order]


def points(order):
    return lambda value: value[order]


def mirrored(content):
    """Return a file of a left-handed camera frame and left-handed objects, as Unity has them."""
    unity_from_objectron = np.diag([1, -1, 1]) @ OPENCV
    order = [0, 5, 6, 7, 8, 1, 2, 3, 4]
    found = changed(
        content,
        keypoints_3d=lambda v: (v @ unity_from_objectron.T)[order],
        projected_cuboid=points(order),
    )
    for item in found['objects']:
        del item['location'], item['quaternion_xyzw']
    return found


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
    'keypoints_3d=dope': lambda c: changed(c, keypoints_3d=points(DOPE)),
    'projected_cuboid=normalised': lambda c: changed(c, projected_cuboid=lambda v: v / [W, H]),
    'projected_cuboid=ndc': lambda c: changed(c, projected_cuboid=lambda v: 2 * v / [W, H] - 1),
    'projected_cuboid=exchanged': lambda c: changed(c, projected_cuboid=take(SWAPPED)),
    'projected_cuboid=from_bottom': lambda c: changed(
        c, projected_cuboid=lambda v: v * [1, -1] + [0, H]
    ),
    'projected_cuboid=from_right': lambda c: changed(
        c, projected_cuboid=lambda v: v * [-1, 1] + [W, 0]
    ),
    f'projected_cuboid={TIMES}0.25': lambda c: changed(c, projected_cuboid=lambda v: v * 4),
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


@pytest.mark.parametrize('form', VARIANTS)
def test_convention_undoes_what_explains(form):
    content = correct_file(7, 2)
    field, _, name = form.partition('=')
    convention = {field: name}
    found, right = parse(VARIANTS[form](content), convention), parse(content)
    assert check_fields(found.fields) == []
    for attribute in ('keypoints_gl', 'keypoints_image', 'dims_metric'):
        expected = getattr(right.cuboids, attribute)
        np.testing.assert_allclose(getattr(found.cuboids, attribute), expected, atol=1e-6)
    if field != 'intrinsics' or name not in ('zero_principal_point', 'of_projection'):
        np.testing.assert_allclose(found.intrinsics, right.intrinsics, atol=1e-6)
    np.testing.assert_allclose(found.projection, right.projection, atol=1e-6)


WITHOUT_MATRIX = {
    'camera_frame=opencv': ['camera_frame=opencv'],
    'camera_frame=opengl': ['camera_frame=opengl'],
    'projected_cuboid=dope': ['projected_cuboid=dope'],
    'projected_cuboid=normalised': ['projected_cuboid=normalised'],
    'intrinsics=exchanged': ['intrinsics=exchanged'],
    f'intrinsics={TIMES}0.5': [f'intrinsics={TIMES}0.5'],
    'scale=centimetres': ['scale=centimetres'],
}


@pytest.mark.parametrize('form', WITHOUT_MATRIX)
@pytest.mark.parametrize('seed', SEEDS)
def test_without_a_projection_matrix(form, seed):
    content = correct_file(seed, 2, has_matrix=False)
    assert forms(VARIANTS[form](content)) == WITHOUT_MATRIX[form]


WITHOUT_POINTS = (
    *('camera_frame=opencv', 'camera_frame=opengl', 'quaternion_xyzw=wxyz'),
    *('quaternion_xyzw=inverse', 'projected_cuboid=dope', 'projected_cuboid=centroid_last'),
    *('scale=centimetres', 'scale=millimetres', 'location=centimetres'),
)


@pytest.mark.parametrize('form', WITHOUT_POINTS)
@pytest.mark.parametrize('seed', SEEDS)
def test_points_made_of_the_pose(form, seed):
    content = correct_file(seed, 2, has_points=False)
    assert forms(VARIANTS[form](content)) == [form]


@pytest.mark.parametrize('seed', SEEDS)
def test_left_handed_frame_with_left_handed_objects(seed):
    steps = ['camera_frame=unity', 'keypoint_order=mirrored']
    assert forms(mirrored(correct_file(seed))) == steps


@pytest.mark.parametrize('seed', SEEDS)
def test_two_mistakes_at_once(seed):
    content = VARIANTS['camera_frame=opencv'](correct_file(seed, 2))
    content = VARIANTS['projected_cuboid=dope'](content)
    content = VARIANTS['scale=centimetres'](content)
    found = {'camera_frame=opencv', 'projected_cuboid=dope', 'scale=centimetres'}
    assert set(forms(content)) == found
    convention = {
        'camera_frame': 'opencv', 'projected_cuboid': ['dope'], 'scale': 'centimetres',
    }  # fmt: skip
    assert check_fields(parse(content, convention).fields) == []


@pytest.mark.parametrize(
    ('form', 'order'), [('dope_centroid_first', [0, *DOPE[:8]]), ('0-1-5-6-2-3-7-8-4', RING)]
)
@pytest.mark.parametrize('seed', range(4))
def test_orders_in_which_points_may_span_no_cuboid(form, order, seed):
    content = changed(
        correct_file(seed), projected_cuboid=points(order), keypoints_3d=points(order)
    )
    assert [f'keypoint_order={form}' in text for text in forms_or_error(content)] == [True]
    right = parse(content, {'keypoint_order': form}).cuboids
    np.testing.assert_allclose(right.keypoints_gl, parse(correct_file(seed)).cuboids.keypoints_gl)


PAIRS = (
    ('projected_cuboid=normalised', 'camera_frame=opencv'),
    ('quaternion_xyzw=wxyz', 'camera_frame=opengl'),
)


@pytest.mark.parametrize('pair', PAIRS)
@pytest.mark.parametrize('seed', SEEDS)
def test_two_mistakes_of_one_relation(pair, seed):
    content = correct_file(seed, 2, has_points=False)
    for form in reversed(pair):
        content = VARIANTS[form](content)
    assert set(forms(content)) == set(pair)


@pytest.mark.parametrize('form', ['projected_cuboid=normalised', 'projected_cuboid=ndc'])
def test_corners_that_are_no_pixels_without_any_3d_points(form):
    content = VARIANTS[form](correct_file(3, has_points=False))
    del content['objects'][0]['location']
    assert forms(content)[0] in ('projected_cuboid=normalised', form)


@pytest.mark.parametrize(
    ('form', 'matrix'),
    [
        ('transposed', np.transpose(objectron_matrix())),
        ('opengl', opengl_matrix()),
        ('opengl_transposed', np.transpose(opengl_matrix())),
    ],
)
@pytest.mark.parametrize('seed', SEEDS)
def test_projection_matrices(form, matrix, seed):
    content = with_matrix(correct_file(seed), matrix)
    assert forms(content) == [f'camera_projection_matrix={form}']
    del content['camera_data']['intrinsics']
    assert forms(content) == [f'camera_projection_matrix={form}']
    right = parse(content, {'camera_projection_matrix': form})
    np.testing.assert_allclose(right.projection, parse(correct_file(seed)).projection, atol=1e-9)


@pytest.mark.parametrize('seed', SEEDS)
def test_what_nothing_explains(seed):
    content = correct_file(seed, 3)
    shifted = np.add(content['objects'][1]['projected_cuboid'], (40.0, -70.0))
    content['objects'][1]['projected_cuboid'] = shifted.tolist()
    (found,) = check_fields(parse(content).fields)
    assert (found.relation, found.form, found.objects) == ('reprojection', '', (1,))
    assert found.magnitude == pytest.approx(np.hypot(40, 70))


@pytest.mark.parametrize('seed', SEEDS)
def test_one_wrong_corner(seed):
    content = correct_file(seed)
    corners = content['objects'][0]['projected_cuboid']
    corners[3], corners[5] = corners[5], corners[3]
    assert forms(content) == ['projected_cuboid=0-1-2-5-4-3-6-7-8']


@pytest.mark.parametrize('factor', [0.37, 4.0])
def test_relative_scale_agrees(factor):
    relative = changed(correct_file(1), scale=lambda v: v * factor)
    assert forms(relative) == []
    by_height = changed(correct_file(1), scale=lambda v: v / v[1])
    assert forms(by_height) == []


def test_known_explanations_are_tried_first():
    content = VARIANTS['camera_frame=ros'](correct_file(1))
    known = [(('camera_frame', 'ros'),)]
    fields = parse(content).fields
    assert [item.form for item in check_fields(fields, known, may_search=False)] == [
        'camera_frame=ros'
    ]
    assert [item.form for item in check_fields(fields, (), may_search=False)] == ['']


def test_pose_beside_points_is_told_only():
    content = VARIANTS['quaternion_xyzw=wxyz'](correct_file(1))
    assert [item.is_used for item in check_fields(parse(content).fields)] == [False]
    del content['objects'][0]['keypoints_3d']
    assert [item.is_used for item in check_fields(parse(content).fields)] == [True]
