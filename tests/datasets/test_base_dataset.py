import numpy as np
import pytest

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.metainfo import normalise_metainfo
from cpose.errors import ConfigError, DataError
from cpose.structures.image_record import ImageRecord
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample

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
        ({'category': ' '}, 'metainfo.category'),
        ({'category': ['a', None]}, 'metainfo.category'),
        ({'category': ['a', 'b', 'c'], 'eval_num_symmetry': [1, 2]}, 'metainfo.eval_num_symmetry'),
    ],
)
def test_wrong_metainfo(metainfo, argument):
    with raises(ConfigError, argument=argument):
        normalise_metainfo(metainfo)


class PickyStep:
    """Leave out images by name: return nothing, or raise."""

    def __init__(self, none=(), bad=()):
        self.none, self.bad = none, bad

    def __call__(self, results):
        if results['img_path'] in self.bad:
            raise DataError(f'{results["img_path"]} is bad.')
        if results['img_path'] not in self.none:
            return {'data_samples': make_sample(results['img_path'])}
        return None


def make_sample(name):
    return PoseDataSample(name, (4, 4), (32, 32), np.eye(2, 3))


def test_image_that_a_transform_leaves_out_is_replaced():
    dataset = CountingDataset([PickyStep(none=('3', '4'))])
    samples = [dataset[index]['data_samples'] for index in range(5)]
    assert [sample.image_path for sample in samples] == ['0', '1', '2', '0', '0']
    assert [sample.is_replacement for sample in samples] == [False] * 3 + [True] * 2
    with raises(DataError, 'No image'):
        CountingDataset([lambda results: None])[0]


def test_policy_for_bad_images_holds_for_every_data_set():
    step = PickyStep(bad=('1',))
    with raises(DataError, '1'):
        CountingDataset([step])[1]
    sample = CountingDataset([step], on_error='skip')[1]['data_samples']
    assert (sample.image_path, sample.is_replacement) == ('2', True)
    with raises(ConfigError, argument='on_error', value='ignore'):
        CountingDataset([], on_error='ignore')


def record_of(**annotations):
    count = len(annotations['labels'])
    annotated = CuboidAnnotations(
        keypoints_gl=np.zeros((count, 9, 3)),
        keypoints_image=np.zeros((count, 9, 2)),
        dims_metric=np.ones((count, 3)),
        visibility=np.ones(count),
        **annotations,
    )
    return ImageRecord(image_path='a.png', intrinsics=np.eye(3), annotations=annotated)


@pytest.fixture
def dataset_of(monkeypatch):
    def build(record, **options):
        dataset = CountingDataset([], **options)
        monkeypatch.setattr(dataset, 'load_record', lambda index: record)
        return dataset

    return build


def test_symmetries_are_looked_up(dataset_of):
    metainfo = {
        'category': ['cup', 'shoe'],
        'symmetry': [{'type': 'RotationalSymmetry', 'order': 12}, {'type': 'NoSymmetry'}],
    }
    record = record_of(labels=np.array([0, 1, 0, 1]), symmetric=np.array([-1, -1, 0, 3]))
    dataset = dataset_of(record, metainfo=metainfo)
    assert [item.order for item in dataset[0]['symmetries']] == [12, 1, 1, 3]
    assert dataset.get_cat_ids(0) == [0, 1, 0, 1]
    assert dataset.find_label('shoe') == 1
    with raises(DataError, 'cup, shoe', argument='class', value='bag'):
        dataset.find_label('bag')


def test_label_that_is_no_category(dataset_of):
    with raises(DataError, 'there are 1 ', path='a.png') as caught:
        dataset_of(record_of(labels=np.array([0, 2])))[0]
    assert 'label 2' in caught.value.problem


def test_symmetric_without_a_symmetry_of_the_category_is_none(dataset_of):
    dataset = dataset_of(record_of(labels=np.array([0]), symmetric=np.array([-2])))
    assert [item.order for item in dataset[0]['symmetries']] == [1]


def test_matrices_of_an_item_are_its_own(dataset_of):
    record = record_of(labels=np.array([0]))
    item = dataset_of(record).get_data_info(0)
    np.testing.assert_array_equal(item['projection'], item['intrinsics'])
    assert not np.shares_memory(item['projection'], item['intrinsics'])


def test_records_are_typed(dataset_of):
    with pytest.raises(TypeError, match=r'load_record returns dict, expected ImageRecord'):
        dataset_of({'img_path': 'a.png'})[0]
