import pickle
from dataclasses import replace

import numpy as np

from cpose.errors import DataError
from cpose.evaluation.records import record_from_arrays, record_image, record_to_arrays

from ..user_errors import raises


def test_poses_become_arrays_in_the_objectron_frame(new_scene):
    scene = new_scene().add_object((0.2, 0.1, 0.3)).add_prediction((0.2, 0.1, 0.3), score=0.7)
    record = record_image(scene.result, scene.sample, 0.0)
    assert record.predictions.scores.tolist() == [0.7]
    # One height is 0.1 m: the prediction is ten times the truth.
    np.testing.assert_allclose(
        record.predictions.keypoints_gl, record.annotations.keypoints_gl * 10
    )
    np.testing.assert_allclose(
        record.predictions.keypoints_image, record.annotations.keypoints_image
    )
    np.testing.assert_allclose(record.predictions.dims, [[2, 1, 3]])
    assert record.predictions.has_pose.all()


def test_low_scores_are_left_out_and_failures_kept(new_scene):
    scene = new_scene().add_prediction((1, 1, 1), score=0.04).add_failure(0.06)
    record = record_image(scene.result, scene.sample, 0.05)
    assert record.predictions.scores.tolist() == [0.06]
    assert not record.predictions.has_pose.any()


def test_images_without_anything_keep_their_shapes(new_scene):
    record = record_image(new_scene().result, new_scene().sample, 0.0)
    assert record.predictions.keypoints_gl.shape == (0, 9, 3)
    assert record.predictions.has_pose.shape == (0,)
    assert len(record.annotations) == 0


def test_projection_wins_over_intrinsics(new_scene):
    scene = new_scene()
    other = np.diag([500.0, 500.0, 1.0])
    sample = replace(scene.sample, projection=other)
    assert record_image(scene.result, scene.sample, 0.0).projection[0, 0] == 600
    assert record_image(scene.result, sample, 0.0).projection[0, 0] == 500


def test_missing_annotation_is_named(new_scene):
    sample = replace(new_scene('street.png').sample, annotations=None)
    with raises(DataError, 'annotation', path='street.png'):
        record_image(new_scene().result, sample, 0.0)


def test_arrays_survive_the_exchange_between_ranks(random_scenes):
    for scene in random_scenes(5, 0):
        record = record_image(scene.result, scene.sample, 0.0)
        arrays = pickle.loads(pickle.dumps(record_to_arrays(record)))
        back = record_to_arrays(record_from_arrays(arrays))
        np.testing.assert_equal(back, record_to_arrays(record))


def test_of_label_keeps_one_category(new_scene, new_record):
    scene = new_scene(plane_gl=np.ones((2, 3)))
    for label in (0, 1, 1):
        scene.add_object((1, 1 + label, 1), label=label).add_prediction((1, 1, 1), label=label)
    chosen = new_record(scene).of_label(1)
    assert chosen.annotations.labels.tolist() == [1, 1]
    assert chosen.annotations.dims_metric[:, 1].tolist() == [2, 2]
    assert chosen.predictions.labels.tolist() == [1, 1]
    assert chosen.annotations.plane_gl is not None
