"""The models in the package find boxes, and the quantised one finds what the other does."""

import json
from pathlib import Path

import numpy as np
import pytest

from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

NUM_PICTURES = 4
REALISM = {'box_span': (0.5, 0.8), 'pitch_deg': (15.0, 45.0)}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Pictures of one box each, with annotations."""
    folder = tmp_path_factory.mktemp('boxes')
    dataset = SyntheticCuboidDataset(
        NUM_PICTURES, image_wh=(480, 480), objects=(1, 1), seed=5, realism=REALISM
    )
    list(write_images(dataset, folder))
    return folder


def best_corners(folder, name):
    """The eight corners of the best pose in each picture, (P, 8, 2) pixels of the image."""
    results = CenterPoseInferencer(model=name)(str(folder))
    best = [max(result.poses, key=lambda pose: pose.score) for result in results]
    return np.array([pose.keypoints_image[1:] for pose in best])


def test_boxes_are_found(folder):
    files = sorted(folder.glob('*.json'))
    objects = [json.loads(file.read_text())['objects'][0] for file in files]
    true = np.array([item['projected_cuboid'] for item in objects])[:, 1:]
    found = best_corners(folder, 'cuboid')
    span = np.ptp(true, axis=1).max(axis=1)
    distances = np.linalg.norm(found[:, :, None] - true[:, None], axis=-1).min(axis=2)
    assert np.median(distances.mean(axis=1) / span) < 0.05


@pytest.mark.slow
def test_the_quantised_model_agrees(folder):
    difference = best_corners(folder, 'cuboid_int8') - best_corners(folder, 'cuboid')
    assert np.linalg.norm(difference, axis=-1).mean() < 3


@pytest.mark.parametrize(('shape', 'category'), [('Cup', 'cup'), ('Bottle', 'bottle')])
def test_cups_and_bottles_are_found(tmp_path, shape, category):
    metainfo = {
        'category': category,
        'symmetry': {'type': 'RotationalSymmetry', 'order': 12},
        'eval_num_symmetry': 100,
    }
    dataset = SyntheticCuboidDataset(
        NUM_PICTURES,
        image_wh=(480, 480),
        objects=(1, 1),
        seed=5,
        realism=REALISM,
        metainfo=metainfo,
        shape={'type': shape},
    )
    list(write_images(dataset, tmp_path))
    results = list(CenterPoseInferencer(model='cup_bottle')(str(tmp_path)))
    for result in results:
        annotation = Path(result.image_path).with_suffix('.json')
        (true,) = json.loads(annotation.read_text())['objects']
        best = max(result.poses, key=lambda pose: pose.score)
        assert best.category == category
        corners = np.array(true['projected_cuboid'])[1:]
        gap = best.keypoints_image[0] - corners.mean(axis=0)
        assert np.linalg.norm(gap) < 0.1 * np.ptp(corners, axis=0).max()
