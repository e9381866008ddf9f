import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cpose.engine.loops.resumable_loop import RemainingBatches, remaining_loader


class Numbers(Dataset):
    def __init__(self):
        self.loaded = []

    def __len__(self):
        return 7

    def __getitem__(self, index):
        self.loaded.append(index)
        return index


@pytest.mark.parametrize(('skip', 'expected'), [(0, 4), (1, 3), (3, 1), (4, 0), (9, 0)])
def test_rest_of_the_epoch(skip, expected):
    dataset = Numbers()
    loader = DataLoader(dataset, batch_size=2)
    whole = [batch.tolist() for batch in loader]
    dataset.loaded.clear()
    rest = remaining_loader(loader, skip)
    assert [batch.tolist() for batch in rest] == whole[skip:]
    assert len(rest) == expected
    assert dataset.loaded == [index for batch in whole[skip:] for index in batch]


def test_nothing_to_skip_is_the_same_loader():
    loader = DataLoader(Numbers())
    assert remaining_loader(loader, 0) is loader


def test_settings_are_kept():
    settings = {
        'num_workers': 1,
        'collate_fn': sum,
        'prefetch_factor': 3,
        'timeout': 5,
        'generator': torch.Generator(),
        'persistent_workers': True,
        'in_order': False,
    }
    loader = DataLoader(Numbers(), batch_size=2, **settings)
    rest = remaining_loader(loader, 2)
    for name, value in {**settings, 'dataset': loader.dataset}.items():
        assert getattr(rest, name) == value
    assert isinstance(rest.batch_sampler, RemainingBatches)
