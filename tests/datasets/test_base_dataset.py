import numpy as np
import pytest

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.metainfo import normalise_metainfo
from cpose.errors import ConfigError
from cpose.structures.image_record import ImageRecord

from ..user_errors import raises


class CountingDataset(PoseDataset):
    """Records named by their index."""

    def __len__(self):
        return 5

    def load_record(self, index):
        return ImageRecord(image_path=str(index))


def draw(dataset, index):
    return dataset[index]['rng'].random()


def test_generator_depends_on_seed_epoch_and_index():
    dataset = CountingDataset([], seed=3)
    first = [draw(dataset, i) for i in range(5)]
    assert len(set(first)) == 5
    assert [draw(dataset, i) for i in (4, 0)] == [first[4], first[0]]
    dataset.set_epoch(1)
    assert draw(dataset, 0) not in first
    dataset.set_epoch(0)
    assert draw(dataset, 0) == first[0]
    assert draw(CountingDataset([], seed=4), 0) != first[0]


def test_record_carries_the_input_size():
    record = CountingDataset([], input_wh=[64, 32])[2]
    assert record['input_wh'] == (64, 32)
    assert record['img_path'] == '2'
    assert record['sample_idx'] == 2
    assert CountingDataset([])[-1]['img_path'] == '4'
    assert isinstance(record['rng'], np.random.Generator)


@pytest.mark.parametrize('input_wh', [(500, 512), (0, 32), (-32, 32), 512, (64, 64, 64)])
def test_input_size_must_be_a_multiple_of_32(input_wh):
    with raises(ConfigError, argument='input_wh'):
        CountingDataset([], input_wh=input_wh)


@pytest.mark.parametrize('seed', [-1, 'abc'])
def test_seed_is_a_number(seed):
    with raises(ConfigError, argument='seed'):
        CountingDataset([], seed=seed)


def test_metainfo_defaults():
    assert CountingDataset([]).metainfo == {
        'category': ('object',),
        'symmetry': ({'type': 'NoSymmetry'},),
        'eval_num_symmetry': (1,),
    }


@pytest.mark.parametrize('category', [[], ['a', 'b', 'a']])
def test_names_of_categories_differ(category):
    with raises(ConfigError, argument='metainfo.category'):
        normalise_metainfo({'category': category})


def test_none_in_the_metainfo_is_the_default():
    assert normalise_metainfo({'symmetry': None}) == normalise_metainfo({})


def test_metainfo_of_several_categories():
    metainfo = normalise_metainfo({'category': ['a', 'b'], 'eval_num_symmetry': [1, 100]})
    assert metainfo['category'] == ('a', 'b')
    assert metainfo['eval_num_symmetry'] == (1, 100)
    assert metainfo['symmetry'] == ({'type': 'NoSymmetry'},) * 2


@pytest.mark.parametrize(
    ('metainfo', 'argument'),
    [
        ({'classes': 'a'}, 'metainfo'),
        ({'category': 5}, 'metainfo.category'),
        ({'category': ['a', None]}, 'metainfo.category'),
        ({'category': ['a', 'b', 'c'], 'eval_num_symmetry': [1, 2]}, 'metainfo.eval_num_symmetry'),
    ],
)
def test_wrong_metainfo(metainfo, argument):
    with raises(ConfigError, argument=argument):
        normalise_metainfo(metainfo)
