from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from cpose.codecs.postprocessor import build_postprocessor
from cpose.errors import CheckpointError, ConfigError
from cpose.geometry.affine import apply_affine, letterbox_affine
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import PoseDataSample

from ..head_parts import make_branches, make_head, make_postprocessor
from ..user_errors import raises

IMAGE_WH, INPUT_WH = (640, 480), (512, 384)
CAMERA = intrinsic_matrix(600, 600, 322, 241)
DIMS = np.array([0.8, 1.0, 0.5])
ROTATION = Rotation.from_rotvec([0.4, -0.7, 0.2])
LOCATIONS = np.array([[-0.9, -0.4, 4.0], [1.0, 0.5, 5.0]])
LENS = np.array([-0.3, 0.1, 0.001, -0.001])


@pytest.fixture
def sample():
    affine = letterbox_affine(IMAGE_WH, INPUT_WH)
    return PoseDataSample('scene.png', IMAGE_WH, INPUT_WH, affine, CAMERA)


def corners_of(location, distortion=None):
    corners = ROTATION.apply(CORNER_SIGNS / 2 * DIMS) + location
    return project_points(corners, CAMERA, distortion)


def detect(locations, scores, labels=None, distortion=None, stride=4):
    """Return perfect detections, heatmap cells, of one image."""
    cells, bboxes = [], []
    for location in locations:
        corners = corners_of(location, distortion)
        corners = apply_affine(letterbox_affine(IMAGE_WH, INPUT_WH), corners) / stride
        cells.append(corners.ravel())
        bboxes.append(np.concatenate([corners.min(axis=0), corners.max(axis=0)]))
    count = len(scores)
    return {
        'bboxes': np.reshape(bboxes, (1, count, 4)),
        'scores': np.reshape(scores, (1, count, 1)),
        'clses': np.reshape(np.zeros(count) if labels is None else labels, (1, count, 1)),
        'obj_scale': np.tile(DIMS, (1, count, 1)),
        'kps_displacement_mean': np.reshape(cells, (1, count, 16)),
        'kps_heatmap_mean': np.full((1, count, 16), -10000.0),
    }


def test_poses_in_pixels_of_the_image(sample):
    poses = make_postprocessor()(detect(LOCATIONS, [0.6, 0.9]), [sample])[0]
    assert [pose.score for pose in poses] == [0.9, 0.6]
    for pose, location in zip(poses, LOCATIONS[::-1], strict=True):
        corners = corners_of(location)
        np.testing.assert_allclose(pose.corners_image, corners, atol=1e-9)
        np.testing.assert_allclose(pose.bbox_image[:2], corners.min(axis=0), atol=1e-9)
        np.testing.assert_allclose(pose.bbox_image[2:], corners.max(axis=0), atol=1e-9)
        np.testing.assert_allclose(pose.location_cv, location, atol=1e-4)
        found = Rotation.from_quat(pose.quaternion_xyzw)
        assert (found * ROTATION.inv()).magnitude() < 1e-3
        np.testing.assert_allclose(pose.keypoints_image[1:], corners, atol=1e-3)
        np.testing.assert_allclose(pose.dims, DIMS)
        assert pose.failure is None


def test_tensors_and_single_precision(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    expected = make_postprocessor()(decoded, [sample])[0]
    tensors = {name: torch.from_numpy(value).float() for name, value in decoded.items()}
    for pose, other in zip(make_postprocessor()(tensors, [sample])[0], expected, strict=True):
        np.testing.assert_allclose(pose.location_cv, other.location_cv, atol=1e-4)


def test_stride(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9], stride=8)
    poses = make_postprocessor(stride=8)(decoded, [sample])[0]
    np.testing.assert_allclose(poses[0].corners_image, corners_of(LOCATIONS[1]), atol=1e-9)


def test_threshold(sample):
    decoded = detect(LOCATIONS, [0.3, 0.25])
    assert make_postprocessor(eval_score_thr=0.3)(decoded, [sample]) == [[]]
    assert len(make_postprocessor(eval_score_thr=0.29)(decoded, [sample])[0]) == 1
    assert len(make_postprocessor(eval_score_thr=0.29)(decoded, [sample], score_thr=0.05)[0]) == 2
    assert len(make_postprocessor(eval_score_thr=0.05)(decoded, [sample], score_thr=0.29)[0]) == 1


def test_batch_keeps_images_apart(sample):
    both = [detect(LOCATIONS, [0.1, 0.9]), detect(LOCATIONS, [0.8, 0.1])]
    decoded = {name: np.concatenate([part[name] for part in both]) for name in both[0]}
    shift = np.array([[0, 0, 9], [0, 0, 0]])
    shifted = replace(sample, input_from_image=sample.input_from_image + shift)
    first, second = make_postprocessor()(decoded, [sample, shifted])
    assert [len(first), len(second)] == [1, 1]
    np.testing.assert_allclose(first[0].location_cv, LOCATIONS[1], atol=1e-4)
    moved = corners_of(LOCATIONS[0]) - [9 / 0.8, 0]
    np.testing.assert_allclose(second[0].corners_image, moved, atol=1e-9)


def test_duplicates_are_merged_within_a_category(sample):
    twice = LOCATIONS[[0, 0]]
    merged = make_postprocessor()(detect(twice, [0.9, 0.8]), [sample])[0]
    assert len(merged) == 1
    apart = make_postprocessor()(detect(twice, [0.8, 0.9], labels=[0, 2]), [sample])[0]
    assert [(pose.label, pose.score) for pose in apart] == [(2, 0.9), (0, 0.8)]


@pytest.mark.parametrize('case', ['no_intrinsics', 'no_pnp'])
def test_without_pose(sample, case):
    postprocessor = make_postprocessor(use_pnp=case != 'no_pnp')
    if case == 'no_intrinsics':
        sample = replace(sample, intrinsics=None)
    poses = postprocessor(detect(LOCATIONS, [0.6, 0.9]), [sample])[0]
    assert len(poses) == 2
    for pose in poses:
        assert not pose.has_pose
        assert pose.location_cv is pose.quaternion_xyzw is pose.keypoints_image is None
        assert pose.failure is None
        assert pose.corners_image.shape == (8, 2)


def test_failure_is_reported(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['kps_displacement_mean'][0, 1] = 5.0
    failed, found = make_postprocessor()(decoded, [sample])[0]
    assert failed.failure == 'the points lie on a line'
    assert not failed.has_pose
    assert found.has_pose


def test_heatmap_corners_count_unless_left_out(sample):
    decoded = detect(LOCATIONS[:1], [0.9])
    peaks = decoded['kps_displacement_mean'].copy()
    peaks[..., ::2] += 0.5
    peaks[..., 6:8] = -10000
    decoded['kps_heatmap_mean'] = peaks
    alone = make_postprocessor(point_source={'type': 'DisplacementPoints'})(decoded, [sample])[0][0]
    both = make_postprocessor()(decoded, [sample])[0][0]
    np.testing.assert_allclose(alone.location_cv, LOCATIONS[0], atol=1e-4)
    # Peaks half a cell (2.5 pixels) to the right pull most corners by half of that.
    pull = both.keypoints_image[0] - alone.keypoints_image[0]
    np.testing.assert_allclose(pull, [1.25, 0], atol=0.2)


def test_distortion_is_undone_and_redone(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9], distortion=LENS)
    pinhole = make_postprocessor()(decoded, [sample])[0][0]
    assert np.abs(pinhole.location_cv - LOCATIONS[1]).max() > 0.01
    lens = make_postprocessor()(decoded, [replace(sample, distortion=LENS)])[0][0]
    np.testing.assert_allclose(lens.location_cv, LOCATIONS[1], atol=1e-4)
    np.testing.assert_allclose(lens.keypoints_image[1:], lens.corners_image, atol=1e-3)
    np.testing.assert_allclose(lens.keypoints_image[0], lens.corners_image.mean(0), atol=1e-3)


def test_a_pose_far_from_its_points_is_refused(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    exchanged = decoded['kps_displacement_mean'].copy().reshape(1, -1, 8, 2)
    exchanged[0, 1, [0, 7]] = exchanged[0, 1, [7, 0]]
    for name in ('kps_displacement_mean', 'kps_heatmap_mean'):
        decoded[name] = exchanged.reshape(1, -1, 16)
    poses = make_postprocessor()(decoded, [sample])[0]
    assert [pose.failure for pose in poses] == [
        'no cuboid of these dimensions looks like the points',
        None,
    ]
    accepted = make_postprocessor(max_relative_error=2.0)(decoded, [sample])[0][0]
    assert accepted.relative_error > 0.3
    distances = np.linalg.norm(accepted.keypoints_image[1:] - accepted.corners_image, axis=1)
    assert accepted.reprojection_error == pytest.approx(np.sqrt(np.mean(distances**2)))


def test_the_error_is_measured_in_the_distorted_image(sample):
    decoded = detect(LOCATIONS[:1], [0.9], distortion=LENS)
    decoded['kps_displacement_mean'][0, 0, ::2] += np.tile([0.3, -0.3], 4)
    decoded['kps_heatmap_mean'] = decoded['kps_displacement_mean']
    pose = make_postprocessor()(decoded, [replace(sample, distortion=LENS)])[0][0]
    distances = np.linalg.norm(pose.keypoints_image[1:] - pose.corners_image, axis=1)
    assert distances.max() > 0.3
    assert pose.reprojection_error == pytest.approx(np.sqrt(np.mean(distances**2)))


def test_wrong_dimensions_do_not_refuse_what_their_correction_fits(sample):
    detections = detect(LOCATIONS[:1], [0.9])
    detections['obj_scale'] = detections['obj_scale'] * np.float32([3.0, 1.0, 0.3])
    strict = {'max_relative_error': 0.1}
    plain = make_postprocessor(**strict)(detections, [sample])[0][0]
    refiner = {'type': 'ReprojectedDims', 'dims_sigma': 10.0}
    fitted = make_postprocessor(**strict, dims_refiner=refiner)(detections, [sample])[0][0]
    assert not plain.has_pose
    assert fitted.relative_error < 0.01


def test_boxes_that_are_not_finite_are_dropped(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['bboxes'][0, 1, 2] = np.inf
    poses = make_postprocessor()(decoded, [sample])[0]
    assert [pose.score for pose in poses] == [0.6]


@pytest.mark.parametrize('solver', ['IterativePnP', 'InFrontPnP'])
def test_solvers(sample, solver):
    postprocessor = make_postprocessor(solver={'type': solver})
    pose = postprocessor(detect(LOCATIONS[:1], [0.9]), [sample])[0][0]
    np.testing.assert_allclose(pose.location_cv, LOCATIONS[0], atol=1e-4)


@pytest.mark.parametrize('corner', range(8))
def test_a_corner_has_its_own_weight(sample, corner):
    branches = make_branches({key: {'type': 'KLDUncertaintyLoss'} for key in ('hps', 'scale')})
    weighing = make_postprocessor(branches=branches, solver={'type': 'StdWeightedPnP'})
    decoded = detect(LOCATIONS[:1], [0.9])
    stds = np.full((1, 1, 8, 2), 0.01)
    stds[..., corner, :] = 100.0
    decoded.update(kps_displacement_std=stds.reshape(1, 1, 16), obj_scale_std=np.ones((1, 1, 3)))
    decoded['kps_displacement_mean'].reshape(8, 2)[corner] += 4.0
    pose = weighing(decoded, [sample])[0][0]
    np.testing.assert_allclose(pose.location_cv, LOCATIONS[0], atol=1e-3)


def test_missing_peaks_of_a_large_input_are_missing_in_a_small_image():
    small = np.divide(IMAGE_WH, 16)
    affine = letterbox_affine(small, INPUT_WH)
    camera = np.diag([1 / 16, 1 / 16, 1]) @ CAMERA
    sample = PoseDataSample('scene.png', tuple(map(int, small)), INPUT_WH, affine, camera)
    pose = make_postprocessor()(detect(LOCATIONS[:1], [0.9]), [sample])[0][0]
    np.testing.assert_allclose(pose.location_cv, LOCATIONS[0], atol=1e-3)


def test_a_dims_refiner_corrects_dimensions_and_pose(sample):
    detections = detect(LOCATIONS, [0.9, 0.8])
    detections['obj_scale'] = detections['obj_scale'] * np.float32([1.3, 1.0, 0.8])
    plain = make_postprocessor()(detections, [sample])[0]
    fitted = make_postprocessor(dims_refiner={'type': 'ReprojectedDims'})(detections, [sample])[0]
    for before, after in zip(plain, fitted, strict=True):
        assert np.abs(np.log(before.dims / DIMS)).max() > 0.2
        assert np.abs(np.log(after.dims / DIMS)).max() < 0.08
        before_error, after_error = (
            np.linalg.norm(pose.keypoints_image[1:] - pose.corners_image, axis=1).max()
            for pose in (before, after)
        )
        assert after_error < 0.3 * before_error


@pytest.mark.parametrize(
    'options',
    [{'eval_score_thr': 'abc'}, {'eval_score_thr': 1.5}, {'nms_sigma': 0}, {'nms_sigma': None}],
)
def test_numbers_out_of_range(options):
    ((name, value),) = options.items()
    with raises(ConfigError, argument=name, value=value):
        make_postprocessor(**options)


def test_a_box_far_outside_leaves_the_other_scores_alone(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['bboxes'][0, 1, 0] = -6000.0
    scores = [pose.score for pose in make_postprocessor()(decoded, [sample])[0]]
    assert scores == pytest.approx([0.9, 0.6], abs=1e-3)


def put(name, value, place=(0, 1, 0)):
    def spoil(decoded):
        decoded[name][place] = value

    return spoil


def cast(name, kind):
    def spoil(decoded):
        decoded[name] = decoded[name].astype(kind)

    return spoil


WRONG_OUTPUTS = {
    'infinite score': (put('scores', np.inf), 'scores must be 0 to 1'),
    'score above one': (put('scores', 2.0), 'scores must be 0 to 1'),
    'score below nothing': (put('scores', -0.1), 'scores must be 0 to 1'),
    'one score no number': (put('scores', np.nan), 'scores must be 0 to 1'),
    'no numbers at all': (put('scores', np.nan, ...), 'scores holds 2 values'),
    'no box at all': (put('bboxes', np.nan, ...), 'bboxes holds 8 values'),
    'class without number': (put('clses', np.nan), 'clses must be a category number'),
    'infinite class': (put('clses', np.inf), 'clses must be a category number'),
    'negative class': (put('clses', -1.0), 'clses must be a category number'),
    'half a class': (put('clses', 0.5), 'clses must be a category number'),
    'narrow corners': (
        lambda decoded: decoded.update(kps_displacement_mean=np.zeros((1, 2, 8))),
        'kps_displacement_mean must have the shape (1 images, detections, 16)',
    ),
    'fewer boxes': (
        lambda decoded: decoded.update(bboxes=np.zeros((1, 1, 4))),
        'bboxes must have the shape',
    ),
    'another number of images': (
        lambda decoded: decoded.update({name: value[:0] for name, value in decoded.items()}),
        '(1 images',
    ),
    'whole scores': (cast('scores', np.int64), 'scores must be floating point'),
    'whole dimensions': (cast('obj_scale', np.uint8), 'obj_scale must be floating point'),
    'texts': (cast('bboxes', str), 'bboxes must be floating point'),
    'objects': (cast('kps_displacement_mean', object), 'kps_displacement_mean must be'),
    'complex': (cast('clses', complex), 'clses must be'),
}


@pytest.mark.parametrize(('spoil', 'problem'), WRONG_OUTPUTS.values(), ids=WRONG_OUTPUTS)
def test_what_is_no_detection_is_refused(sample, spoil, problem):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['clses'] = decoded['clses'].astype(float)
    spoil(decoded)
    with raises(CheckpointError, problem):
        make_postprocessor()(decoded, [sample])


def test_whole_classes_and_brain_floats(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['clses'] = decoded['clses'].astype(np.int64)
    decoded['scores'] = torch.from_numpy(decoded['scores']).bfloat16()
    assert len(make_postprocessor()(decoded, [sample])[0]) == 2


@pytest.mark.parametrize('std', [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize('name', ['kps_displacement_std', 'obj_scale_std'])
def test_standard_deviations_of_no_spread(sample, name, std):
    uncertain = {'loss': {'type': 'KLDUncertaintyLoss'}}
    head = {'num_classes': 1, 'branches': {'hps': uncertain, 'scale': uncertain}}
    decoded = detect(LOCATIONS, [0.6, 0.9])
    decoded['kps_displacement_std'] = np.ones((1, 2, 16))
    decoded['obj_scale_std'] = np.ones((1, 2, 3))
    decoded[name][0, 1, 1] = std
    with raises(CheckpointError, name):
        build_postprocessor(head, stride=4)(decoded, [sample])


def test_a_class_beyond_the_categories_is_refused(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9], labels=[0, 1])
    with raises(CheckpointError, 'clses must be a category number, 0 to 0'):
        make_head().postprocessor(decoded, [sample])


def test_an_output_that_is_missing_is_named(sample):
    decoded = detect(LOCATIONS, [0.6, 0.9])
    del decoded['obj_scale']
    with raises(CheckpointError, 'obj_scale'):
        make_postprocessor()(decoded, [sample])
