"""MMEngine's wrappers around data sets of this project, trained on."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.draws import NumberedDraws, innermost_configs, nested_datasets
from cpose.errors import ConfigError
from cpose.registry import DATASETS, TRANSFORMS
from cpose.structures.image_record import ImageRecord
from cpose.structures.pose_data_sample import CuboidAnnotations

from ..user_errors import raises
from .toy_training import CrashError, CrashHook, loader, read_losses


@DATASETS.register_module()
class NamedDataset(PoseDataset):
    """Images that are nothing but a name; every third one is of the second category."""

    def __init__(self, name='a', length=6, **options):
        super().__init__(metainfo={'category': ['cup', 'shoe']}, **options)
        self.name, self.length = name, length

    def __len__(self):
        return self.length

    def load_record(self, index):
        annotations = CuboidAnnotations(
            labels=np.array([int(index % 3 == 2)]),
            keypoints_gl=np.zeros((1, 9, 3)),
            keypoints_image=np.zeros((1, 9, 2)),
            dims_metric=np.ones((1, 3)),
            visibility=np.ones(1),
        )
        return ImageRecord(image_path=f'{self.name}{index}', annotations=annotations)


@TRANSFORMS.register_module()
class ToyPack:
    """Noise from the generator of the image, which is all that the toy model needs."""

    def __call__(self, results):
        image = torch.from_numpy(results['rng'].normal(size=(3, 8, 8))).float()
        SEEN.append((results['img_path'], float(image.mean())))
        return {'inputs': image, 'data_samples': float(image.mean())}


SEEN: list[tuple[str, float]] = []
PART = {'type': 'NamedDataset', 'pipeline': [{'type': 'ToyPack'}]}
WRAPPERS = {
    'concat': {'type': 'ConcatDataset', 'datasets': [PART, {**PART, 'name': 'b', 'length': 4}]},
    'repeat': {'type': 'RepeatDataset', 'dataset': PART, 'times': 2},
    'balanced': {'type': 'ClassBalancedDataset', 'dataset': PART, 'oversample_thr': 0.5},
    'nested': {
        'type': 'ConcatDataset',
        'datasets': [{'type': 'RepeatDataset', 'dataset': PART, 'times': 2}, PART],
    },
}


@pytest.fixture(autouse=True)
def _nothing_seen():
    SEEN.clear()


def training(name, by_epoch, **options):
    train = loader(0, sampler={'type': 'DefaultSampler', 'shuffle': True})
    if not by_epoch:
        train['sampler'] = {'type': 'InfiniteSampler'}
        loop = {'type': 'IterBasedTrainLoop', 'max_iters': 13, '_delete_': True}
        options.update({'train_cfg': loop, 'param_scheduler': None})
    return {
        'train_dataloader': {**train, 'dataset': {**deepcopy(WRAPPERS[name]), '_delete_': True}},
        'default_hooks.checkpoint.iter_interval': 1,
        'val_dataloader': None,
        'val_cfg': None,
        'val_evaluator': None,
        **options,
    }


@pytest.mark.slow
@pytest.mark.parametrize('by_epoch', [True, False], ids=['epochs', 'iterations'])
@pytest.mark.parametrize('name', WRAPPERS)
def test_training_resumes_exactly(build_runner, tmp_path, name, by_epoch):
    build_runner(training(name, by_epoch), 'whole').train()
    noise = [value for _, value in SEEN]
    assert len(set(noise)) == len(noise)  # nothing is augmented twice in the same way
    crashed = build_runner(training(name, by_epoch), 'resumed')
    crashed.register_hook(CrashHook(7))
    with pytest.raises(CrashError):
        crashed.train()
    options = {'resume': True, 'load_from': crashed.last_checkpoint}
    build_runner(training(name, by_epoch, **options), 'resumed').train()
    expected, actual = (
        read_losses(tmp_path / run / 'losses.jsonl') for run in ('whole', 'resumed')
    )
    assert actual == expected


@pytest.mark.slow
@pytest.mark.parametrize('name', WRAPPERS)
def test_workers_change_nothing(build_runner, tmp_path, name):
    for workers in (0, 2):
        options = {'train_dataloader.num_workers': workers}
        build_runner(training(name, by_epoch=False, **options), f'{workers}').train()
    few, many = (read_losses(tmp_path / f'{workers}/losses.jsonl') for workers in (0, 2))
    assert few == many


def test_an_image_drawn_twice_is_augmented_anew():
    dataset = NumberedDraws(WRAPPERS['repeat'])
    drawn = [dataset[number]['data_samples'] for number in (2, 8, 2, 14)]
    assert [name for name, _ in SEEN] == ['a2'] * 4
    assert drawn[0] == drawn[2]
    assert len(set(drawn)) == 3
    dataset.dataset.dataset.set_epoch(1)
    assert dataset[2]['data_samples'] == drawn[3]  # item 14 is item 2 of the second pass
    plain = DATASETS.build(PART)
    assert plain[2]['data_samples'] == drawn[0]


def test_wrappers_take_instances_too():
    first, second = DATASETS.build(PART), DATASETS.build({**PART, 'name': 'b'})
    for dataset, length in (
        (ConcatDataset([first, second]), 12),
        (RepeatDataset(first, 3), 18),
        (ClassBalancedDataset(first, 0.5), 8),
    ):
        assert len(dataset) == length
        assert dataset.metainfo['category'] == ('cup', 'shoe')
        assert dataset.get_data_info(1)['img_path'] == 'a1'
        assert set(dataset[1]) == {'inputs', 'data_samples'}
    assert ClassBalancedDataset(first, 0.5).get_cat_ids(3) == [1]


def test_nested_data_sets_are_found():
    dataset = NumberedDraws(WRAPPERS['nested'])
    kinds = [type(item).__name__ for item in nested_datasets(dataset)]
    assert kinds == [
        'NumberedDraws', 'ConcatDataset', 'RepeatDataset', 'NamedDataset', 'NamedDataset'
    ]  # fmt: skip
    assert innermost_configs(WRAPPERS['nested']) == [PART, PART]
    assert innermost_configs(PART) == [PART]
    assert dataset.datasets is dataset.dataset.datasets
    with pytest.raises(AttributeError, match='nothing_like_it'):
        _ = dataset.nothing_like_it


def test_items_of_wrappers_are_checked(build_runner):
    options = training('concat', by_epoch=True)
    options['train_dataloader']['dataset']['datasets'][1]['pipeline'] = []
    with raises(ConfigError, '(ToyPack; nothing)'):
        build_runner(options).train()


def test_subsets_are_those_of_torch():
    with pytest.raises(NotImplementedError, match=r'torch\.utils\.data\.Subset'):
        DATASETS.build(PART).get_subset([1])
