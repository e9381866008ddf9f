import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.datasets.video_pair_dataset import VideoPairDataset, list_videos
from cpose.errors import ConfigError

from ..user_errors import raises
from .annotated_files import make_annotation, make_object, write_pair

TRAIN = load_config('_base_/datasets/centerpose.py').train_dataloader.dataset.pipeline
PLAIN = [
    {'type': 'LoadPoseImage'},
    {'type': 'ExpandSymmetries'},
    {'type': 'LetterboxAffine'},
    {'type': 'PackPoseInputs'},
]


@pytest.fixture(autouse=True)
def cpose_scope(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'user_cache'))
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.fixture
def root(tmp_path):
    """Return a folder of two videos of one bottle that moves to the right."""
    for video in ('bottle_1', 'bottle_2'):
        for number in range(5):
            item = make_object(location_cv=(0.01 * number, -0.02, 1.5))
            write_pair(tmp_path / 'data' / video, f'{number}', make_annotation(item), seed=number)
    return tmp_path / 'data'


def make_dataset(root, pipeline=PLAIN, **changes):
    settings = {'metainfo': {'category': 'bottle'}, 'input_wh': (64, 64), **changes}
    return VideoPairDataset(str(root), pipeline, **settings)


def test_frames_lie_in_folders_or_are_called_alike():
    paths = ['a/10.png', 'a/9.png', 'a/x_1.png', 'b/9.png', 'a/x_02.png', 'a/photo.png']
    videos, video_of = list_videos(paths)
    assert [video.tolist() for video in videos] == [[1, 0], [2, 4], [3], [5]]
    assert video_of.tolist() == [0, 0, 1, 2, 1, 3]


def test_pairs_are_of_one_video(root):
    dataset = make_dataset(root, max_distance=2)
    single = [item['data_samples'].image_path for item in map(dataset.__getitem__, range(10))]
    assert len(set(single)) == 10
    plain = {
        path: torch.from_numpy(np.ascontiguousarray(pixels))
        for path, pixels in (
            (dataset.load_record(n).image_path, dataset[n]['inputs'][:3].numpy()) for n in range(10)
        )
    }
    distances = set()
    for epoch in range(6):
        dataset.set_epoch(epoch)
        for index in range(10):
            item = dataset[index]
            (same,) = [
                path
                for path, pixels in plain.items()
                if torch.equal(pixels, item['inputs'][3:])
                and path.split('/')[-2] == item['data_samples'].image_path.split('/')[-2]
            ]
            number, other = (int(p[-5]) for p in (item['data_samples'].image_path, same))
            distances.add(other - number)
    assert distances == {-2, -1, 0, 1, 2}


def test_both_frames_are_augmented_alike(root):
    noise = dict.fromkeys(('center_shift', 'corner_shift', 'center_lost', 'corner_lost'), 0)
    dataset = make_dataset(root, TRAIN, max_distance=0, noise=noise)
    for index in range(10):
        item = dataset[index]
        assert torch.equal(item['inputs'][:3], item['inputs'][3:])
        sample = item['data_samples']
        known = np.isfinite(sample.previous.corners_input)
        corners = sample.candidates.corners_input[:, 0]
        np.testing.assert_allclose(sample.previous.corners_input[known], corners[known])
        assert known.any()


def test_the_same_whatever_was_drawn_before(root):
    first, second = make_dataset(root, TRAIN), make_dataset(root, TRAIN)
    one = [first[index] for index in range(10)][7]
    other = second[7]
    assert torch.equal(one['inputs'], other['inputs'])
    np.testing.assert_array_equal(
        one['data_samples'].previous.peaks_input, other['data_samples'].previous.peaks_input
    )
    second.set_epoch(1)
    assert not torch.equal(second[7]['inputs'], other['inputs'])


def test_arguments(root):
    with raises(ConfigError, argument='max_distance', value=-1):
        make_dataset(root, max_distance=-1)
    with raises(ConfigError, argument='noise.lost'):
        make_dataset(root, noise={'lost': 0.1})
