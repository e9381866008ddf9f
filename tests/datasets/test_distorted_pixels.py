"""Annotations of pixels that a lens has bent: ``camera_data.distortion``."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cpose.apis.inference.camera_io import read_camera_file
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.conventions.explanations import check_fields
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.evaluation.dump import write_dump
from cpose.evaluation.dump_reading import read_dump
from cpose.evaluation.matched_pairs import gather_pairs, project_views
from cpose.evaluation.records import EvaluationRecord, collect_predictions
from cpose.geometry.projection import project_points
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.camera import cv_from_gl

LENS = np.array([-0.3, 0.1, 0.002, -0.001, 0.0])
STEPS = [{'type': 'LoadPoseImage'}, {'type': 'ExpandSymmetries'}]
STEPS += [{'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'}]
META = {'category': 'carton', 'symmetry': {'type': 'RotationalSymmetry', 'order': 4}}


@pytest.fixture
def record():
    drawn = SyntheticCuboidDataset(1, image_wh=(320, 240), seed=3).load_record(0)
    seen = project_points(
        cv_from_gl(drawn.annotations.keypoints_gl), drawn.intrinsics, distortion=LENS
    )
    assert np.abs(seen - drawn.annotations.keypoints_image).max() > 4
    bent = replace(drawn.annotations, keypoints_image=seen, symmetric=None)
    return replace(drawn, annotations=bent, distortion=LENS)


@pytest.fixture
def folder(tmp_path, record):
    write_record(record, tmp_path, 'bent', ('carton',))
    return tmp_path


def test_they_agree_with_the_points_in_space(folder):
    annotation = read_annotation(folder / 'bent.json')
    np.testing.assert_array_equal(annotation.distortion, LENS)
    assert check_fields(annotation.fields) == []
    content = json.loads((folder / 'bent.json').read_text())
    del content['camera_data']['distortion']
    (folder / 'bent.json').write_text(json.dumps(content))
    assert [item.relation for item in check_fields(read_annotation(folder / 'bent.json').fields)]


@pytest.mark.parametrize('value', [[0.1, 0.2], 'pinhole', [0.1, None, 0, 0], {'k1': 0.1}])
def test_what_is_no_lens_counts_as_none_and_is_told(folder, value):
    content = json.loads((folder / 'bent.json').read_text())
    content['camera_data']['distortion'] = value
    (folder / 'bent.json').write_text(json.dumps(content))
    annotation = read_annotation(folder / 'bent.json')
    assert annotation.distortion is None
    assert [note.field for note in annotation.notes] == ['camera_data.distortion']


def test_targets_of_equivalent_views_are_bent_too(folder, record):
    data = CenterPoseDataset(str(folder), STEPS, META, input_wh=(128, 96))
    sample = data[0]['data_samples']
    np.testing.assert_array_equal(sample.distortion[:5], LENS)
    candidates = sample.candidates
    inverse = np.linalg.inv(np.vstack([sample.input_from_image, [0, 0, 1]]))
    corners = candidates.corners_input @ inverse[:2, :2].T + inverse[:2, 2]
    np.testing.assert_allclose(corners[:, 0], record.annotations.keypoints_image[:, 1:], atol=1e-3)


def test_the_metric_compares_with_bent_views(record, tmp_path):
    exact = EvaluationRecord(
        'bent',
        np.array(record.image_wh, float),
        collect_predictions([]),
        record.annotations,
        record.intrinsics,
        record.distortion,
    )
    pair = gather_pairs([exact], np.zeros((0, 3), int))
    assert pair.distortions.shape == (0, 14)
    lens = np.zeros((1, 14))
    lens[0, :5] = LENS
    views = rotate_about_up(record.annotations.keypoints_gl, full_turn(4))
    points = project_views(views, record.intrinsics[None], lens, record.annotations.keypoints_image)
    np.testing.assert_allclose(points[:, 0], record.annotations.keypoints_image, atol=1e-6)
    write_dump(tmp_path / 'dump.json', [exact], None)
    np.testing.assert_array_equal(read_dump(tmp_path / 'dump.json')[0][0].distortion, LENS)


def test_inference_takes_the_lens_from_the_annotation(folder):
    camera = read_camera_file(folder / 'bent.json')
    np.testing.assert_array_equal(camera.distortion, LENS)
