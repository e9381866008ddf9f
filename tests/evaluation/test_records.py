import pickle
from dataclasses import replace

import numpy as np

from cpose.errors import DataError
from cpose.evaluation.dump import read_dump, write_dump
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


ASIDE = (0.6, 0.0, 2.0)


def ignoring(scene, *rectangles):
    """Return the record of a scene whose annotation ignores rectangles."""
    record = record_image(scene.result, scene.sample, 0.0)
    boxes = np.array(rectangles, dtype=float)
    return replace(record, annotations=replace(record.annotations, ignored_boxes=boxes))


def rectangle_of(record, number=-1):
    corners = record.predictions.keypoints_image[number, 1:]
    return [*corners.min(axis=0), *corners.max(axis=0)]


def test_predictions_in_ignored_regions_do_not_count(new_scene):
    scene = new_scene().add_object((0.2, 0.1, 0.3))
    scene.add_prediction((0.2, 0.1, 0.3), score=0.9).add_prediction(
        (0.2, 0.1, 0.3), ASIDE, score=0.8
    )
    scene.add_failure(0.7)
    record = record_image(scene.result, scene.sample, 0.0)
    left, top, right, bottom = rectangle_of(record, 1)
    kept = ignoring(scene, [left, top, right, bottom]).of_label(0)
    assert kept.predictions.scores.tolist() == [0.9, 0.7]
    assert len(kept.annotations) == 1
    third = left + (right - left) / 3
    far = ignoring(scene, [left, top, third, bottom], [0, 0, 10, 10]).of_label(0)
    assert far.predictions.scores.tolist() == [0.9, 0.8, 0.7]


def test_objects_win_over_ignored_regions(new_scene):
    scene = new_scene().add_object((0.2, 0.1, 0.3)).add_prediction((0.2, 0.1, 0.3))
    record = record_image(scene.result, scene.sample, 0.0)
    left, top, right, bottom = rectangle_of(record)
    around = [left - 20, top - 20, right + 20, bottom + 20]
    assert len(ignoring(scene, around).of_label(0).predictions.scores) == 1
    nothing = new_scene().add_prediction((0.2, 0.1, 0.3))
    assert len(ignoring(nothing, around).of_label(0).predictions.scores) == 0


def test_ignored_regions_survive_the_exchange_and_the_dump(new_scene, tmp_path):
    scene = new_scene().add_object((0.2, 0.1, 0.3))
    record = ignoring(scene, [1, 2, 3, 4.5], [5, 6, 7, 8])
    back = record_from_arrays(record_to_arrays(record))
    np.testing.assert_array_equal(back.annotations.ignored_boxes, [[1, 2, 3, 4.5], [5, 6, 7, 8]])
    write_dump(tmp_path / 'dump.json', [record], None)
    (read,), _ = read_dump(tmp_path / 'dump.json')
    np.testing.assert_array_equal(read.annotations.ignored_boxes, [[1, 2, 3, 4.5], [5, 6, 7, 8]])
