import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from cpose.apis.config.load import load_config
from cpose.codecs.symmetries import NoSymmetry
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.image_reading import LIMIT_VARIABLE
from cpose.errors import ConfigError, DataError
from cpose.structures.pose_data_sample import field_arrays

from ..user_errors import raises
from .annotated_files import CAMERA_MATRIX, IMAGE_WH, make_annotation, make_object, write_pair

BOTTLE = {'category': 'bottle', 'symmetry': {'type': 'RotationalSymmetry', 'order': 12}}
TRAIN = load_config('_base_/datasets/centerpose.py').train_dataloader.dataset.pipeline


@pytest.fixture(autouse=True)
def cpose_scope(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'user_cache'))
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / 'data'
    for i in range(6):
        write_pair(folder, f'{i}', seed=i)
    return folder


def make_dataset(root, pipeline=(), metainfo=BOTTLE, **options):
    options.setdefault('input_wh', (64, 64))
    return CenterPoseDataset(str(root), pipeline=pipeline, metainfo=metainfo, **options)


def test_record(root):
    record = make_dataset(root).load_record(2)
    assert record.image_path == str(root / '2.png')
    assert record.image_wh == IMAGE_WH
    assert record.symmetries is None
    assert len(record.annotations) == 1
    np.testing.assert_allclose(record.intrinsics, CAMERA_MATRIX)
    np.testing.assert_allclose(record.projection, CAMERA_MATRIX)


def test_record_may_be_changed(root):
    dataset = make_dataset(root)
    record = dataset.load_record(0)
    for array in [*field_arrays(record.annotations).values(), record.intrinsics]:
        array[:] = -7
    for array in [*field_arrays(dataset.load_record(0).annotations).values()]:
        assert not (array == -7).any()


def test_symmetry_of_each_object(tmp_path):
    items = [make_object(symmetric=value) for value in (None, 'True', False, 5)]
    write_pair(tmp_path, 'a', make_annotation(*items))
    symmetries = make_dataset(tmp_path).get_data_info(0)['symmetries']
    assert [symmetry.order for symmetry in symmetries] == [12, 12, 1, 5]
    assert isinstance(symmetries[2], NoSymmetry)


def test_other_fields_of_an_object_reach_record_and_sample(tmp_path):
    items = [make_object(handle_direction=[0, 1], is_full=True), make_object(is_full=False)]
    write_pair(tmp_path, 'a', make_annotation(*items))
    write_pair(tmp_path, 'b')
    for _ in range(2):  # read, then from the index kept on disk
        dataset = make_dataset(tmp_path, TRAIN)
        for annotations in (
            dataset.load_record(0).annotations,
            dataset[0]['data_samples'].annotations,
        ):
            assert set(annotations.extras) == {'handle_direction', 'is_full'}
            np.testing.assert_array_equal(
                annotations.extras['handle_direction'], [[0, 1], [np.nan, np.nan]]
            )
            np.testing.assert_array_equal(annotations.extras['is_full'], [1, 0])
        assert dataset.load_record(1).annotations.extras == {}


def test_annotation_without_cameras(tmp_path):
    content = make_annotation()
    for name in ('intrinsics', 'camera_projection_matrix'):
        del content['camera_data'][name]
    write_pair(tmp_path, 'a', content)
    record = make_dataset(tmp_path, metainfo=None).load_record(0)
    assert record.intrinsics is None
    assert record.projection is None


def test_several_categories_and_folders(tmp_path):
    metainfo = {
        'category': ['cup', 'shoe'],
        'symmetry': [{'type': 'CuboidSymmetry'}, {'type': 'NoSymmetry'}],
    }
    for name in ('cup', 'shoe'):
        content = make_annotation(make_object(**{'class': name}))
        write_pair(tmp_path / name / 'train', 'a', content)
    dataset = make_dataset(tmp_path / '{category}' / 'train', metainfo=metainfo)
    records = [dataset.load_record(i) for i in range(len(dataset))]
    assert [record.image_path for record in records] == [
        str(tmp_path / name / 'train' / 'a.png') for name in ('cup', 'shoe')
    ]
    assert [record.annotations.labels.tolist() for record in records] == [[0], [1]]
    symmetries = [dataset.get_data_info(i)['symmetries'] for i in range(len(dataset))]
    assert [items[0].order for items in symmetries] == [4, 1]
    assert [dataset.get_cat_ids(i) for i in range(len(dataset))] == [[0], [1]]


def test_folder_says_what_its_objects_are(tmp_path):
    """Where their class does not: ``Mug`` is a cup in a folder of cups, and a shoe stays a shoe."""
    for name, classes in {'a': ['Mug', 'shoe'], 'b': ['cup'], 'c': ['Boot']}.items():
        content = make_annotation(*[make_object(**{'class': item}) for item in classes])
        write_pair(tmp_path / name, 'x', content)
    metainfo = {'category': ['cup', 'shoe']}
    cups, shoes = [str(tmp_path / 'a'), str(tmp_path / 'b')], str(tmp_path / 'c')

    def labels(**options):
        dataset = CenterPoseDataset(
            {'shoe': shoes, 'cup': cups}, [], metainfo, input_wh=(64, 64), **options
        )
        return [dataset.get_cat_ids(number) for number in range(3)]

    assert labels() == [[1], [0, 1], [0]]
    assert labels(classes={'Boot': 'cup'}) == [[0], [0, 1], [0]]
    assert labels(classes={'*': 'leave_out'}) == [[], [1], [0]]


def test_objects_to_train_on_by_category(tmp_path):
    content = make_annotation(*[make_object(**{'class': name}) for name in ('cup', 'hat', 'cup')])
    write_pair(tmp_path, 'x', content)
    dataset = make_dataset(tmp_path, metainfo={'category': ['hat', 'shoe', 'cup']}, max_objs=2)
    assert dataset.targets_by_label.tolist() == [1, 0, 1]


def test_max_objs_limits_targets_not_annotations(tmp_path):
    write_pair(tmp_path, 'a', make_annotation(*[make_object()] * 4))
    sample = make_dataset(tmp_path, TRAIN, max_objs=3)[0]['data_samples']
    assert len(sample.candidates) == 3
    assert len(sample.annotations) == 4


@pytest.mark.parametrize('max_objs', [0, -1, 'all'])
def test_max_objs_is_a_number(root, max_objs):
    with raises(ConfigError, argument='max_objs'):
        CenterPoseDataset(root, [], max_objs=max_objs)


def test_problems_of_all_kinds_are_reported_together(root):
    (root / '0.json').write_text('{')
    write_pair(root, '1', make_annotation(make_object(keypoints_3d=None)))
    (root / '2.json').unlink()
    with pytest.raises(DataError) as error:
        make_dataset(root)
    assert f'Unusable files in {root}: 3.' in str(error.value)
    dataset = make_dataset(root, on_error='skip')
    assert [dataset.load_record(i).image_path[-5] for i in range(len(dataset))] == ['3', '4', '5']


def test_nothing_usable(tmp_path):
    write_pair(tmp_path, 'a').write_text('{')
    with raises(DataError, argument='data_root'):
        make_dataset(tmp_path, on_error='skip')


def test_optional_annotations(root):
    (root / '0.json').unlink()
    pipeline = [
        {'type': 'LoadPoseImage'},
        {'type': 'LetterboxAffine'},
        {'type': 'PackPoseInputs'},
    ]
    dataset = make_dataset(root, pipeline, require_annotation=False)
    sample = dataset[0]['data_samples']
    assert sample.annotations is None
    assert sample.image_wh == IMAGE_WH
    assert len(dataset[1]['data_samples'].annotations) == 1


def test_unreadable_image(root):
    path = root / '2.png'
    path.write_bytes(path.read_bytes()[:100])
    with raises(DataError, '100 bytes', path=path):
        make_dataset(root, TRAIN)[2]
    dataset = make_dataset(root, TRAIN, on_error='skip')
    sample = dataset[2]['data_samples']
    assert (sample.image_path, sample.is_replacement) == (str(root / '3.png'), True)
    assert not dataset[3]['data_samples'].is_replacement


CUBOID = {'category': 'cuboid', 'symmetry': {'type': 'CuboidSymmetry'}}
CASES = Path(__file__).parents[1] / 'data' / 'cases'


@pytest.mark.parametrize('name', ['bom', 'webp', 'exif_turned'])
def test_files_of_other_writers(tmp_path, name):
    for path in (CASES / name).iterdir():
        shutil.copy(path, tmp_path)
    sizes = {item['data_samples'].image_wh for item in make_dataset(tmp_path, TRAIN, CUBOID)}
    assert sizes == {(128, 96) if name == 'exif_turned' else (128, 128)}


def test_image_above_the_limit_is_an_image_that_cannot_be_read(root, monkeypatch):
    cv2.imwrite(str(root / '2.png'), np.zeros((500, 500, 3), np.uint8))
    monkeypatch.setenv(LIMIT_VARIABLE, '200000')
    with raises(DataError, '500×500', path=root / '2.png'):
        make_dataset(root, TRAIN)[2]
    sample = make_dataset(root, TRAIN, on_error='skip')[2]['data_samples']
    assert (sample.image_path, sample.is_replacement) == (str(root / '3.png'), True)


def test_only_unreadable_images(root):
    for i in range(6):
        (root / f'{i}.png').write_bytes(b'x')
    with raises(DataError, place=None, argument=None):
        make_dataset(root, TRAIN, on_error='skip')[0]


def load_epoch(dataset, epoch, workers, order=range(6)):
    """Return the samples of one epoch by index."""
    dataset.set_epoch(epoch)
    loader = DataLoader(
        dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate, sampler=list(order)
    )
    inputs = [image for batch in loader for image in batch['inputs']]
    return dict(zip(order, inputs, strict=True))


def test_samples_depend_on_seed_epoch_and_index_only(root):
    dataset = make_dataset(root, TRAIN, seed=3)
    expected = load_epoch(dataset, 1, workers=0)
    for samples in (
        load_epoch(dataset, 1, workers=2),
        load_epoch(dataset, 1, workers=0, order=[5, 3, 1, 0, 4, 2]),
        load_epoch(make_dataset(root, TRAIN, seed=3), 1, workers=1, order=[4, 5]),
    ):
        for index, image in samples.items():
            assert torch.equal(image, expected[index])
    for other in (
        load_epoch(dataset, 2, workers=2),
        load_epoch(make_dataset(root, TRAIN, seed=4), 1, workers=0),
    ):
        assert not any(torch.equal(other[index], expected[index]) for index in expected)


def test_persistent_workers_see_the_epoch(root):
    dataset = make_dataset(root, TRAIN)
    loader = DataLoader(
        dataset, 1, num_workers=1, persistent_workers=True, collate_fn=pseudo_collate
    )
    epochs = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        epochs.append([batch['inputs'][0] for batch in loader])
        assert torch.equal(epochs[epoch][1], load_epoch(dataset, epoch, workers=0)[1])
    assert not torch.equal(epochs[0][1], epochs[1][1])


@pytest.mark.slow
def test_memory_stays_flat(root):
    dataset = make_dataset(root, TRAIN)

    def load(count):
        for i in range(count):
            dataset[i % len(dataset)]
        pages = int(Path('/proc/self/statm').read_text().split()[1])
        return pages * os.sysconf('SC_PAGE_SIZE') / 1e6

    before = load(1000)
    assert load(9000) - before < 20


def names_of(dataset):
    return [Path(dataset.load_record(i).image_path).name for i in range(len(dataset))]


def test_list_of_images(root, tmp_path):
    (root / '5.json').write_text('{')  # not in the list
    listed = tmp_path / 'train.txt'
    listed.write_text('# a comment\n\n4.png\n./1.png\n')
    assert names_of(make_dataset(root, image_list=str(listed))) == ['1.png', '4.png']
    assert names_of(make_dataset(root, image_list=str(listed))) == ['1.png', '4.png']
    listed.write_text('5.png\n2.png\n')
    with raises(DataError) as caught:
        make_dataset(root, image_list=str(listed))
    assert '5.json' in str(caught.value)
    assert names_of(make_dataset(root, image_list=str(listed), on_error='skip')) == ['2.png']


def test_list_of_images_that_does_not_fit(root, tmp_path):
    listed = tmp_path / 'train.txt'
    listed.write_text('0.png\nnowhere.png\n')
    with raises(DataError) as caught:
        make_dataset(root, image_list=str(listed))
    assert (str(caught.value.place.path), caught.value.place.line) == (str(listed), 2)
    listed.write_text('# nothing\n')
    with raises(DataError):
        make_dataset(root, image_list=str(listed))
    with raises(DataError):
        make_dataset(root, image_list=str(tmp_path / 'none.txt'))
    with raises(ConfigError, argument='image_list'):
        make_dataset(root, image_list=[str(listed), str(listed) + '2'])


def test_one_list_for_each_category(tmp_path):
    metainfo = {'category': ['cup', 'bottle'], 'symmetry': {'type': 'NoSymmetry'}}
    for name in metainfo['category']:
        for number in range(3):
            content = make_annotation(make_object(**{'class': name}))
            write_pair(tmp_path / name, f'{number}', content)
        (tmp_path / f'{name}.txt').write_text(f'{len(name) % 3}.png\n')
    dataset = CenterPoseDataset(
        str(tmp_path / '{category}'),
        pipeline=(),
        metainfo={**metainfo, 'symmetry': [{'type': 'NoSymmetry'}] * 2},
        image_list=str(tmp_path / '{category}.txt'),
        input_wh=(64, 64),
    )
    paths = [dataset.load_record(i).image_path for i in range(len(dataset))]
    assert paths == [str(tmp_path / 'cup' / '0.png'), str(tmp_path / 'bottle' / '0.png')]
