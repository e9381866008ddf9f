from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from cpose.datasets.metainfo import META_KEYS
from cpose.registry import DATASETS

from .annotated_files import make_annotation, make_object, write_pair

BASE = Path(__file__).parents[2] / 'configs' / '_base_'
CATEGORIES = sorted((BASE / 'categories').glob('*.py'))
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
ORDERS = {'bottle': 12, 'chair': 4, 'cuboid': 4, 'cup': 12}
EVALUATED_ALL_AROUND = {'bottle', 'cup'}


@pytest.fixture(autouse=True)
def cpose_scope():
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.mark.parametrize('path', CATEGORIES, ids=lambda path: path.stem)
def test_category_changes_the_metainfo_only(path):
    assert len(path.read_text().splitlines()) <= 10
    dataset_base = Config.fromfile(BASE / 'datasets' / 'centerpose.py')
    config = Config.fromfile(path)
    assert set(config) == set(dataset_base)
    assert all(set(config[loader].dataset.metainfo) == set(META_KEYS) for loader in LOADERS)
    for loader in LOADERS:
        del config[loader].dataset['metainfo']
    assert config.to_dict() == dataset_base.to_dict()


@pytest.mark.parametrize('path', CATEGORIES, ids=lambda path: path.stem)
def test_data_sets_of_a_category(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    category = path.stem
    config = Config.fromfile(path)
    for loader in LOADERS:
        split = loader.partition('_')[0]
        item = make_object(**{'class': category})
        write_pair(tmp_path / 'data' / category / split, 'a', make_annotation(item))
        dataset = DATASETS.build(config[loader].dataset)
        assert dataset.metainfo['category'] == (category,)
        assert dataset.metainfo['eval_num_symmetry'] == (
            100 if category in EVALUATED_ALL_AROUND else 1,
        )
        packed = dataset[0]
        candidates = packed['data_samples'].candidates
        assert packed['inputs'].shape == (3, 512, 512)
        if split == 'train':
            assert candidates.is_candidate.shape == (1, ORDERS.get(category, 1))
        else:
            assert candidates is None
