import numpy as np
import pytest

from cpose.evaluation.assessment import precision_curves
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol
from cpose.evaluation.protocols.tao_protocol import TaoProtocol

from ...shipped_parts import settings

DIMS = (0.2, 0.1, 0.3)
PLAIN = build_evaluation_symmetry()


def assess(records, symmetry=PLAIN, **options):
    return TaoProtocol(**settings('TaoProtocol', **options)).assess(records, symmetry)


def test_duplicates_are_hits_here_and_false_positives_one_to_one(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_object(DIMS, (0.6, 0, 2))
    for score in (0.9, 0.8, 0.7):
        scene.add_prediction(DIMS, score=score)
    record = new_record(scene)
    theirs, ours = (
        assess([record]),
        OneToOneProtocol(**settings('OneToOneProtocol')).assess([record], PLAIN),
    )
    assert theirs.rows[:, 2].tolist() == [0, 0, 0]
    assert ours.rows[:, 2].tolist() == [0, -1, -1]
    assert precision_curves(theirs)['iou'][10] == pytest.approx(1.5)
    assert precision_curves(ours)['iou'][10] == pytest.approx(0.5)


def test_predictions_in_images_without_objects_cost_nothing(new_scene, new_record):
    good = new_scene().add_object(DIMS).add_prediction(DIMS, score=0.5)
    empty = new_scene().add_prediction(DIMS, score=0.9)
    invisible = new_scene().add_object(DIMS, visibility=0.1).add_prediction(DIMS, score=0.9)
    records = [new_record(scene) for scene in (good, empty, invisible)]
    assessment = assess(records)
    assert assessment.num_objects == 1
    assert assessment.rows.tolist() == [[0, 0, 0]]


def test_invisible_objects_count_beside_visible_ones(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_object(DIMS, (0.6, 0, 2), visibility=0.05)
    scene.add_prediction(DIMS, (0.6, 0, 2))
    assessment = assess([new_record(scene)])
    assert assessment.num_objects == 2
    assert assessment.scores.tolist() == [0]
    assert assessment.values['azimuth'].tolist() == [30]


def test_centre_outside_or_behind_does_not_make_an_image_count(new_scene, new_record):
    for location in ((2.0, 0, 2), (0, 0, -2.0)):
        scene = new_scene().add_object(DIMS, location).add_prediction(DIMS)
        assert assess([new_record(scene)]).num_objects == 0


def test_scores_must_exceed_the_threshold_and_poses_exist(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_failure(0.9)
    scene.add_prediction(DIMS, score=0.3).add_prediction(DIMS, score=0.31)
    assert assess([new_record(scene)]).scores.tolist() == [0.31]
    assert len(assess([new_record(scene)], min_score=0.2).scores) == 2


def test_azimuth_is_not_folded_below_a_half_turn(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=-89)
    two = build_evaluation_symmetry(num_rotations=2)
    assert assess([new_record(scene)], two).values['azimuth'] == pytest.approx(89, abs=1e-6)
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=200)
    assert assess([new_record(scene)]).values['azimuth'] == pytest.approx(160, abs=1e-6)


def test_cuboids_apart_have_fixed_distances(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, (0.5, 0, 2))
    assessment = assess([new_record(scene)])
    assert assessment.values['iou'] == 0
    assert assessment.values['add'] == 1
    assert assessment.values['adds'] == 1


def test_nothing_at_all(new_scene, new_record):
    for records in ([], [new_record(new_scene())]):
        assessment = assess(records)
        assert len(assessment.scores) == 0
        assert np.isnan(precision_curves(assessment)['add']).all()


def test_annotated_symmetry_of_an_object_does_not_exist_in_tao(new_scene, new_record):
    scenes = [
        new_scene().add_object(DIMS, symmetric=symmetric).add_prediction(DIMS, yaw_deg=60)
        for symmetric in (None, False, 12)
    ]
    assessment = assess([new_record(scene) for scene in scenes])
    for name, values in assessment.values.items():
        assert np.ptp(values) == 0, name
