import tracemalloc

import numpy as np
import pytest

from cpose.evaluation.assessment import precision_curves, reported_numbers
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol

from ...shipped_parts import settings

DIMS = (0.2, 0.1, 0.3)
PLAIN = build_evaluation_symmetry()
ROUND = build_evaluation_symmetry(num_rotations=100)
FRONTLESS = build_evaluation_symmetry({'type': 'CuboidSymmetry'})


def assess(records, symmetry=PLAIN, **options):
    return OneToOneProtocol(**settings('OneToOneProtocol', **options)).assess(records, symmetry)


def value_of(assessment, metric, row=0):
    return assessment.values[metric][row]


def test_annotations_as_prediction_is_perfect(new_scene, new_record):
    scene = new_scene()
    for x in (-0.5, 0.1, 0.6):
        scene.add_object(DIMS, (x, 0, 2), 30 * x).add_prediction(DIMS, (x, 0, 2), 30 * x)
    assessment = assess([new_record(scene)])
    assert assessment.num_objects == 3
    assert assessment.rows[:, 2].tolist() == [0, 1, 2]
    np.testing.assert_allclose(assessment.values['iou'], 1)
    for metric in ('add', 'adds', 'azimuth', 'polar', 'pixel', 'pixel_px', 'scale'):
        np.testing.assert_allclose(assessment.values[metric], 0, atol=1e-9)


def test_duplicates_are_false_positives(new_scene, new_record):
    scene = new_scene().add_object(DIMS)
    scene.add_prediction(DIMS, score=0.5).add_prediction(DIMS, score=0.9)
    assessment = assess([new_record(scene)])
    assert assessment.is_matched.tolist() == [False, True]
    assert assessment.scores.tolist() == [0.5, 0.9]
    assert precision_curves(assessment)['iou'][10] == pytest.approx(1)


def test_a_confident_prediction_elsewhere_takes_no_object(new_scene, new_record):
    scene = new_scene().add_object(DIMS)
    scene.add_prediction(DIMS, (0.6, 0, 2), score=0.9).add_prediction(DIMS, score=0.5)
    assessment = assess([new_record(scene)])
    assert assessment.is_matched.tolist() == [False, True]
    assert value_of(assessment, 'iou', 1) == pytest.approx(1)


def test_everything_found_in_an_image_without_objects_is_false(new_scene, new_record):
    good = new_scene().add_object(DIMS).add_prediction(DIMS, score=0.5)
    empty = new_scene().add_prediction(DIMS, score=0.9)
    alone = precision_curves(assess([new_record(good)]))
    both = precision_curves(assess([new_record(good), new_record(empty)]))
    assert alone['iou'][10] == pytest.approx(1)
    assert both['iou'][10] == pytest.approx(0.5)
    # Also at the thresholds that the reference's substitute values would pass.
    assert both['iou'][0] == pytest.approx(0.5)
    assert both['azimuth'][-1] == pytest.approx(0.5)


def test_invisible_objects_do_not_count_and_predictions_on_them_are_ignored(new_scene, new_record):
    scene = new_scene().add_object(DIMS, (-0.5, 0, 2), visibility=0.05)
    scene.add_object(DIMS, (0.5, 0, 2), visibility=0.1)
    scene.add_prediction(DIMS, (-0.5, 0, 2)).add_prediction(DIMS, (0.5, 0, 2))
    assessment = assess([new_record(scene)])
    assert assessment.num_objects == 1
    assert assessment.rows.tolist() == [[0, 1, 1]]


def test_predictions_without_a_pose_are_false_positives(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_failure(0.9).add_prediction(DIMS, score=0.5)
    assessment = assess([new_record(scene)])
    assert assessment.is_matched.tolist() == [False, True]
    assert precision_curves(assessment)['iou'][10] == pytest.approx(0.5)


def test_objects_without_3d_annotation_are_ignored(new_scene, new_record):
    record = new_record(new_scene().add_object(DIMS).add_prediction(DIMS))
    record.annotations.keypoints_gl[:] = np.nan
    assessment = assess([record])
    assert assessment.num_objects == 0
    assert len(assessment.scores) == 0


def test_low_scores_do_not_count(new_scene, new_record):
    scene = new_scene().add_object(DIMS)
    scene.add_prediction(DIMS, score=0.05).add_prediction(DIMS, score=0.049)
    assert assess([new_record(scene)]).scores.tolist() == [0.05]
    assert len(assess([new_record(scene)], min_score=0.0).scores) == 2


def test_each_image_is_measured_in_its_own_size(new_scene, new_record):
    scenes = [new_scene(image_wh=wh) for wh in ((600, 800), (1200, 1600))]
    for scene in scenes:
        scene.add_object(DIMS).add_prediction(DIMS, (0.01, 0, 2))
    assessment = assess([new_record(scene) for scene in scenes])
    pixels = assessment.values['pixel_px']
    assert pixels[0] == pytest.approx(pixels[1])
    assert assessment.values['pixel'] == pytest.approx(pixels / [600, 1200])


def test_without_symmetry_a_quarter_turn_is_an_error(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=90)
    assessment = assess([new_record(scene)])
    assert value_of(assessment, 'azimuth') == pytest.approx(90, abs=1e-6)
    assert value_of(assessment, 'iou') == pytest.approx(0.04 / 0.08)
    assert value_of(assessment, 'add') > 0.1
    assert value_of(assessment, 'pixel_px') > 10


@pytest.mark.parametrize('yaw', [17.0, 123.4, 270.0, 359.0])
def test_round_objects_may_be_turned(new_scene, new_record, yaw):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=yaw)
    assessment = assess([new_record(scene)], ROUND)
    # The nearest of 100 rotations is at most 1.8 degrees away.
    assert value_of(assessment, 'azimuth') <= 1.8
    assert value_of(assessment, 'iou') > 0.93
    assert value_of(assessment, 'add') < 0.006
    assert value_of(assessment, 'pixel_px') < 2


def test_azimuth_folds_at_half_the_period(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=29.9)
    symmetry = build_evaluation_symmetry(num_rotations=12)
    assessment = assess([new_record(scene)], symmetry)
    assert value_of(assessment, 'azimuth') == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize('turns', [0, 1, 2, 3])
def test_objects_without_a_front_may_be_called_by_any_face(new_scene, new_record, turns):
    # The same solid: turned by quarters with width and depth exchanged.
    dims = DIMS if turns % 2 == 0 else DIMS[::-1]
    scene = new_scene().add_object(DIMS, yaw_deg=20)
    scene.add_prediction(dims, yaw_deg=20 + 90 * turns)
    assessment = assess([new_record(scene)], FRONTLESS)
    assert value_of(assessment, 'iou') == pytest.approx(1)
    for metric in ('azimuth', 'add', 'pixel', 'scale'):
        assert value_of(assessment, metric) == pytest.approx(0, abs=1e-6)


def test_turning_the_solid_itself_is_an_error_for_objects_without_a_front(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=90)
    assessment = assess([new_record(scene)], FRONTLESS)
    assert value_of(assessment, 'iou') == pytest.approx(0.5)
    assert value_of(assessment, 'azimuth') == pytest.approx(0, abs=1e-6)
    assert value_of(assessment, 'scale') > 0.5


def test_matching_knows_the_symmetry(new_scene, new_record):
    # Of two overlapping objects the turned prediction lies on the first, if names do not matter.
    scene = new_scene().add_object(DIMS).add_object(DIMS, (0.05, 0, 2), 180)
    scene.add_prediction(DIMS, yaw_deg=180)
    assert assess([new_record(scene)], PLAIN).rows[0, 2] == 1
    assert assess([new_record(scene)], FRONTLESS).rows[0, 2] == 0
    assert assess([new_record(scene)], ROUND).rows[0, 2] == 0


def test_nothing_at_all(new_scene, new_record):
    for records in ([], [new_record(new_scene())]):
        assessment = assess(records)
        assert assessment.num_objects == 0
        assert np.isnan(precision_curves(assessment)['iou']).all()


def test_absolute_scale_keeps_predicted_lengths(new_scene, new_record):
    # Predictions come in units of the height: 0.1 m.
    scene = new_scene().add_object(DIMS).add_prediction(DIMS)
    rule = {'type': 'AbsoluteScale'}
    assert value_of(assess([new_record(scene)]), 'iou') == pytest.approx(1)
    assessment = assess([new_record(scene)], scale_rule=rule)
    assert assessment.factors.tolist() == [1]
    assert value_of(assessment, 'iou') == 0
    assert value_of(assessment, 'add') == pytest.approx(18, rel=0.05)


def test_chunks_do_not_matter(random_scenes, new_record, monkeypatch):
    records = [new_record(scene) for scene in random_scenes(30, 1)]
    whole = assess(records, ROUND)
    monkeypatch.setattr('cpose.evaluation.matched_pairs.VIEWS_AT_ONCE', 3)
    parts = assess(records, ROUND)
    for metric, value in whole.values.items():
        np.testing.assert_allclose(parts.values[metric], value, atol=1e-9)
    numbers = reported_numbers(whole, precision_curves(whole))
    assert 0.1 < numbers['AP50_3DIoU'] < 1


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rotations(random_scenes, new_record):
    records = [new_record(scene) for scene in random_scenes(150, 1)]
    peaks = []
    for count in (100, 500):
        symmetry = build_evaluation_symmetry(num_rotations=count)
        tracemalloc.start()
        assess(records, symmetry)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    ('category', 'symmetric', 'error'),
    [
        (FRONTLESS, None, 0),
        (FRONTLESS, True, 0),
        (FRONTLESS, False, 90),
        (FRONTLESS, 6, 30),
        (PLAIN, 12, 0),
        (ROUND, 4, 0),
        (ROUND, False, 90),
        (ROUND, 1, 90),
    ],
)
def test_annotated_symmetry_of_an_object_wins(category, symmetric, error, new_scene, new_record):
    scene = new_scene().add_object((0.2, 0.1, 0.2), yaw_deg=90, symmetric=symmetric)
    scene.add_prediction((0.2, 0.1, 0.2))
    assessment = assess([new_record(scene)], category)
    assert value_of(assessment, 'azimuth') == pytest.approx(error, abs=1e-6)


def test_objects_of_one_image_keep_their_own_symmetry(new_scene, new_record):
    scene = new_scene()
    for x, symmetric in ((-0.6, None), (0.0, False), (0.6, 12)):
        scene.add_object(DIMS, (x, 0, 2), yaw_deg=60, symmetric=symmetric)
        scene.add_prediction(DIMS, (x, 0, 2))
    assessment = assess([new_record(scene)], build_evaluation_symmetry(num_rotations=6))
    assert assessment.rows[:, 2].tolist() == [0, 1, 2]
    np.testing.assert_allclose(assessment.values['azimuth'], [0, 60, 0], atol=1e-6)
    np.testing.assert_allclose(assessment.values['iou'][[0, 2]], 1)
    assert assessment.values['iou'][1] < 0.7
    assert np.isfinite(assessment.factors).all()


def test_matching_knows_the_annotated_symmetry(new_scene, new_record):
    scene = new_scene().add_object((0.4, 0.1, 0.1), (-0.15, 0, 2), yaw_deg=180, symmetric=2)
    scene.add_object((0.1, 0.1, 0.4), (0.15, 0, 2), symmetric=False)
    scene.add_prediction((0.4, 0.1, 0.1), (-0.15, 0, 2))
    assessment = assess([new_record(scene)], PLAIN)
    assert assessment.rows[:, 2].tolist() == [0]
    assert value_of(assessment, 'pixel_px') == pytest.approx(0, abs=1e-6)
