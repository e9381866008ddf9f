import json

import numpy as np
import pytest

from cpose.datasets.annotations.annotation import parse_annotation, read_annotation
from cpose.errors import DataError
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.structures.camera import GL_FROM_CV

from ...user_errors import raises
from ..annotated_files import (
    CAMERA_MATRIX,
    IMAGE_WH,
    TILT,
    keypoints_cv_of,
    make_annotation,
    make_object,
    projection_matrix,
    write_pair,
)


def parse(content):
    """Parse after a trip through JSON text, as files are."""
    return parse_annotation(json.loads(json.dumps(content)), 'a.json')


def with_camera(**changes):
    """Return an annotation with changed camera fields; None removes one."""
    content = make_annotation()
    camera = {**content['camera_data'], **changes}
    content['camera_data'] = {k: v for k, v in camera.items() if v is not None}
    return content


def test_all_fields():
    content = make_annotation(make_object(), make_object(visibility=0.0, symmetric=3))
    annotation = parse(content)
    annotations = annotation.cuboids
    assert annotation.image_wh == IMAGE_WH
    assert annotation.class_names == ('bottle', 'bottle')
    assert annotation.symmetric == (None, 3)
    np.testing.assert_allclose(annotation.intrinsics, CAMERA_MATRIX)
    np.testing.assert_allclose(annotation.projection, CAMERA_MATRIX, atol=1e-9)
    np.testing.assert_array_equal(annotations.labels, [0, 0])
    np.testing.assert_array_equal(annotations.visibility, [0.75, 0])
    np.testing.assert_allclose(annotations.dims_metric[0], [0.2, 0.4, 0.3])
    np.testing.assert_allclose(annotations.plane_gl, [[0.1, 0.2, -1.5], [-1, 0, 0.1]])
    np.testing.assert_allclose(annotations.keypoints_gl[0], content['objects'][0]['keypoints_3d'])


def test_projection_maps_the_3d_keypoints_to_the_projected_cuboid():
    content = make_annotation()
    annotation = parse(content)
    projected = project_points(keypoints_cv_of(content), annotation.projection)
    np.testing.assert_allclose(projected, annotation.cuboids.keypoints_image[0], atol=1e-9)


def test_projection_may_differ_from_intrinsics():
    annotation = parse(with_camera(camera_projection_matrix=projection_matrix(shift_px=2.0)))
    difference = annotation.projection - annotation.intrinsics
    np.testing.assert_allclose(difference, [[0, 0, 2], [0, 0, 0], [0, 0, 0]], atol=1e-9)


def test_one_camera_matrix_stands_for_the_other():
    only_intrinsics = parse(with_camera(camera_projection_matrix=None))
    np.testing.assert_array_equal(only_intrinsics.projection, CAMERA_MATRIX)
    only_projection = parse(with_camera(intrinsics=None))
    np.testing.assert_allclose(only_projection.intrinsics, CAMERA_MATRIX, atol=1e-9)
    neither = parse(with_camera(intrinsics=None, camera_projection_matrix=None))
    assert neither.intrinsics is None
    assert neither.projection is None


def test_optional_fields():
    item = make_object(visibility=None, keypoints_3d=None, name=None, **{'class': None})
    annotation = parse(make_annotation(item, AR_data=None))
    assert annotation.class_names == (None,)
    assert annotation.cuboids.plane_gl is None
    assert annotation.cuboids.visibility[0] == 1
    assert np.isnan(annotation.cuboids.keypoints_gl).all()


def test_keypoints_are_rebuilt_from_the_pose():
    complete = make_object()
    rotation_gl = GL_FROM_CV @ TILT
    item = make_object(
        keypoints_3d=None,
        location=complete['keypoints_3d'][0],
        quaternion_xyzw=quaternion_from_matrix(rotation_gl).tolist(),
    )
    rebuilt = parse(make_annotation(item)).cuboids.keypoints_gl[0]
    np.testing.assert_allclose(rebuilt, complete['keypoints_3d'], atol=1e-9)


def test_no_objects():
    content = make_annotation()
    content['objects'] = []
    annotation = parse(content)
    assert len(annotation.cuboids) == 0
    assert annotation.cuboids.keypoints_gl.shape == (0, 9, 3)


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, None),
        ({'symmetric': 'True'}, True),
        ({'symmetric': False}, False),
        ({'symmetric': 4}, 4),
        ({'mug': True}, False),
        ({'mug': False}, None),
        ({'mug': True, 'symmetric': True}, True),
    ],
)
def test_symmetric(changes, expected):
    assert parse(make_annotation(make_object(**changes))).symmetric == (expected,)


SEVEN_POINTS = [[1.0, 2.0]] * 7


@pytest.mark.parametrize(
    ('changes', 'field', 'problem'),
    [
        ({'projected_cuboid': None}, 'projected_cuboid', 'is missing'),
        ({'projected_cuboid': SEVEN_POINTS}, 'projected_cuboid', 'has 7 points, expected 9'),
        ({'projected_cuboid': SEVEN_POINTS}, 'projected_cuboid', 'dataset.num_joints'),
        ({'projected_cuboid': [[1, 2, 3]] * 9}, 'projected_cuboid', '(9, 3), expected (9, 2)'),
        ({'projected_cuboid': [[1, float('nan')]] * 9}, 'projected_cuboid', 'finite'),
        ({'keypoints_3d': [[1, 2]] * 9}, 'keypoints_3d', 'expected (9, 3)'),
        ({'scale': None}, 'scale', 'is missing'),
        ({'scale': [1, 0, 1]}, 'scale', 'must be positive'),
        ({'scale': [1, 1]}, 'scale', 'expected (3,)'),
        ({'visibility': 'full'}, 'visibility', 'numbers only'),
        ({'symmetric': 'perhaps'}, 'symmetric', 'true, false'),
        ({'class': 7}, 'class', 'name of a category'),
        (
            {'keypoints_3d': None, 'location': [0, 0, -1], 'quaternion_xyzw': [0, 0, 0, 0]},
            'quaternion_xyzw',
            'must not be zero',
        ),
        (
            {'keypoints_3d': None, 'location': [0, 0], 'quaternion_xyzw': [0, 0, 0, 1]},
            'location',
            'expected (3,)',
        ),
    ],
)
def test_wrong_object_fields_are_named(changes, field, problem):
    content = make_annotation(make_object(), make_object(**changes))
    with raises(DataError, problem, path='a.json', field=f'objects[1].{field}'):
        parse(content)


@pytest.mark.parametrize(
    ('content', 'field'),
    [
        ([], ''),
        (make_annotation(camera_data=None), 'camera_data'),
        (make_annotation(objects=None), 'objects'),
        (make_annotation(objects={'0': {}}), 'objects'),
        (with_camera(width=None), 'camera_data.width'),
        (with_camera(height=-800), 'camera_data.height'),
        (with_camera(width=1e12), 'camera_data.width'),
        (with_camera(intrinsics={'fx': 1, 'fy': 1, 'cx': 1}), 'camera_data.intrinsics.cy'),
        (
            with_camera(intrinsics={'fx': 0, 'fy': 1, 'cx': 1, 'cy': 1}),
            'camera_data.intrinsics.fx',
        ),
        (with_camera(intrinsics=[[1, 0], [0, 1]]), 'camera_data.intrinsics'),
        (with_camera(intrinsics=np.diag([1, 1, 2]).tolist()), 'camera_data.intrinsics'),
        (
            make_annotation(make_object(keypoints_3d=[[0.1, 0.2, -1.0]] * 9)),
            'objects[0].keypoints_3d',
        ),
    ],
)
def test_wrong_file_fields_are_named(content, field):
    with raises(DataError, path='a.json', field=field):
        parse(content)


NO_PERSPECTIVE = {'camera_data.camera_projection_matrix'}


@pytest.mark.parametrize(
    ('content', 'fields'),
    [
        (with_camera(camera_projection_matrix=[[1, 0, 0]] * 3), NO_PERSPECTIVE),
        (with_camera(camera_projection_matrix='none'), NO_PERSPECTIVE),
        (with_camera(camera_projection_matrix=np.eye(4).tolist()), NO_PERSPECTIVE),
        (with_camera(camera_projection_matrix=np.zeros((4, 4)).tolist()), NO_PERSPECTIVE),
        (make_annotation(AR_data={'plane_normal': [0, 1, 0]}), {'AR_data.plane_center'}),
        (make_annotation(AR_data=7), {'AR_data'}),
        (
            make_annotation(AR_data={'plane_center': [0, 0, 0], 'plane_normal': [0, 0, 0]}),
            {'AR_data.plane_normal'},
        ),
        (make_annotation(make_object(visibility=-1)), {'visibility'}),
        (make_annotation(make_object(visibility=85)), {'visibility'}),
    ],
)
def test_what_nothing_needs_does_not_decide_about_the_file(content, fields):
    annotation = parse(content)
    assert {note.field for note in annotation.notes} == fields
    assert not any(note.is_used for note in annotation.notes)
    np.testing.assert_array_equal(annotation.intrinsics, CAMERA_MATRIX)
    if fields == NO_PERSPECTIVE:
        np.testing.assert_array_equal(annotation.projection, CAMERA_MATRIX)
    elif fields == {'visibility'}:
        assert annotation.cuboids.visibility.tolist() == [1.0]
    else:
        assert annotation.cuboids.plane_gl is None


def test_pose_beside_points_may_be_anything():
    annotation = parse(make_annotation(make_object(location='here', quaternion_xyzw=[0, 0, 0, 0])))
    np.testing.assert_allclose(
        annotation.cuboids.keypoints_gl[0], make_object()['keypoints_3d'], atol=0
    )


@pytest.mark.parametrize('matrix', [CAMERA_MATRIX, CAMERA_MATRIX.T])
def test_intrinsics_may_be_a_matrix(matrix):
    annotation = parse(with_camera(intrinsics=matrix.tolist()))
    np.testing.assert_array_equal(annotation.intrinsics, CAMERA_MATRIX)


def test_class_may_be_called_label():
    item = make_object(label='box', **{'class': None})
    assert parse(make_annotation(item)).class_names == ('box',)
    assert parse(make_annotation(make_object(label='box'))).class_names == ('bottle',)


def test_read(tmp_path):
    path = write_pair(tmp_path, 'a')
    assert len(read_annotation(path).cuboids) == 1
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert len(read_annotation(path).cuboids) == 1


@pytest.mark.parametrize('keep', [0, 1, 400])
def test_truncated_file(tmp_path, keep):
    path = write_pair(tmp_path, 'a')
    path.write_bytes(path.read_bytes()[:keep])
    with raises(DataError, path=path):
        read_annotation(path)


@pytest.mark.parametrize('depth', [50, 500, 5000, 100_000])
def test_deep_nesting(tmp_path, depth):
    path = tmp_path / 'a.json'
    path.write_text('{"camera_data": ' + '[' * depth + ']' * depth + '}')
    with raises(DataError, path=path):
        read_annotation(path)


def test_missing_file(tmp_path):
    with raises(DataError, 'No such file'):
        read_annotation(tmp_path / 'none.json')
