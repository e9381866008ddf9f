import hashlib
from itertools import pairwise

import numpy as np
import pytest
import torch

from cpose.apis.config.load import load_config
from cpose.datasets.synthetic_video_dataset import SyntheticVideoDataset
from cpose.errors import ConfigError
from cpose.geometry.projection import project_points
from cpose.structures.camera import cv_from_gl

from ..user_errors import raises

PIPELINE = load_config('_base_/datasets/synthetic_video.py').train_dataloader.dataset.pipeline
FRAMES = 12


def make_dataset(**changes):
    settings = {'image_wh': (96, 80), 'input_wh': (96, 96), 'objects': (1, 2), **changes}
    return SyntheticVideoDataset(3, FRAMES, **settings)


def places_of(annotations):
    tracks = annotations.extras['track_id']
    return dict(zip(tracks, annotations.keypoints_image, strict=True))


def digest(record):
    return hashlib.sha256(record.image.tobytes() + record.annotations.keypoints_gl.tobytes())


@pytest.fixture(scope='module')
def records():
    dataset = make_dataset(realism={'occluder': 1.0})
    return [dataset.load_record(index) for index in range(len(dataset))]


def test_a_frame_depends_on_its_numbers_alone(records):
    assert len(records) == 3 * FRAMES
    other = make_dataset(realism={'occluder': 1.0})
    for index in (30, 2, 17):
        assert digest(other.load_record(index)).hexdigest() == digest(records[index]).hexdigest()
    shifted = make_dataset(realism={'occluder': 1.0}, start_video=1)
    assert digest(shifted.load_record(5)).hexdigest() == digest(records[17]).hexdigest()
    assert digest(make_dataset(seed=1).load_record(2)).hexdigest() != digest(records[2]).hexdigest()


def test_annotations_fit_the_camera(records):
    for record in records:
        points = cv_from_gl(record.annotations.keypoints_gl)
        projected = project_points(points, record.intrinsics)
        np.testing.assert_allclose(projected, record.annotations.keypoints_image, atol=1e-6)
        assert record.image.shape == (80, 96, 3)


def test_objects_move_smoothly_and_keep_their_track(records):
    moved = 0
    for before, now in pairwise(records):
        if before.image_path[:-6] != now.image_path[:-6]:
            continue
        places = [places_of(item.annotations) for item in (before, now)]
        for track in places[0].keys() & places[1].keys():
            step = np.abs(places[1][track] - places[0][track]).max()
            assert step < 12
            moved += step > 0.2
    assert moved > FRAMES


def test_pictures_change_a_little_between_frames(records):
    for video in range(3):
        frames = [record.image.astype(int) for record in records[video * FRAMES :][:FRAMES]]
        steps = [np.abs(b - a).mean() for a, b in pairwise(frames)]
        assert 0 < np.mean(steps) < np.abs(frames[-1] - frames[0]).mean()
        assert max(steps) < 40


def test_something_passes_in_front(records):
    seen = np.concatenate([record.annotations.visibility for record in records])
    assert seen.min() >= 0.2
    assert (seen < 0.8).any()
    assert (seen == 1).any()


def test_pairs(records):
    dataset = make_dataset(pipeline=PIPELINE, max_distance=2)
    drawn, lost = 0, 0
    for index in range(2 * FRAMES):
        item = dataset[index]
        previous = item['data_samples'].previous
        assert item['inputs'].shape == (6, 96, 96)
        assert item['inputs'].dtype == torch.uint8
        known = np.isfinite(previous.centers_input).all(axis=1)
        drawn, lost = drawn + known.sum(), lost + (~known).sum()
    assert drawn > lost > 0


def test_single_frames():
    item = make_dataset(pipeline=PIPELINE)[0]
    assert item['inputs'].shape == (3, 96, 96)
    assert item['data_samples'].previous is None


@pytest.mark.parametrize(
    ('name', 'value'), [('max_distance', -1), ('objects', (2, 1)), ('least_visible', 2.0)]
)
def test_arguments_out_of_range(name, value):
    with raises(ConfigError, argument=name, value=value):
        make_dataset(**{name: value})
