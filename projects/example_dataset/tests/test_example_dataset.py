"""The project trains for one step and tests through the command line; its records are exact."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.utils import import_modules_from_strings

from cpose.apis import load_config
from cpose.cli.main import main
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import DataError
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.registry import DATASETS
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import CORNER_SIGNS

PROJECT = Path(__file__).parents[1]
CONFIG = PROJECT / 'configs' / 'tiny_csv.py'
COLUMNS = [
    *('image', 'class', 'fx', 'fy', 'cx', 'cy', 'x', 'y', 'z'),
    *('qx', 'qy', 'qz', 'qw', 'width', 'height', 'depth'),
]
PICTURES = SyntheticCuboidDataset(5, image_wh=(96, 64), objects=(1, 2), seed=8)


def rows_of(record, name):
    k = record.intrinsics
    camera = [k[0, 0], k[1, 1], k[0, 2], k[1, 2]]
    for keypoints, dims in zip(
        cv_from_gl(record.annotations.keypoints_gl), record.annotations.dims_metric, strict=True
    ):
        sides = keypoints[1:].T @ CORNER_SIGNS
        quaternion = quaternion_from_matrix(sides / np.linalg.norm(sides, axis=0))
        values = [name, 'cuboid', *camera, *keypoints[0], *quaternion, *dims]
        yield dict(zip(COLUMNS, values, strict=True))


@pytest.fixture
def ann_file(tmp_path):
    with (tmp_path / 'boxes.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number in range(len(PICTURES)):
            record = PICTURES.load_record(number)
            cv2.imwrite(str(tmp_path / f'{number}.png'), record.image)
            writer.writerows(rows_of(record, f'{number}.png'))
    return tmp_path / 'boxes.csv'


@pytest.fixture
def csv_dataset(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))
    import_modules_from_strings(['example_dataset.csv_dataset'])
    return DATASETS.get('CsvDataset')


def test_records_are_those_that_were_written(ann_file, csv_dataset):
    dataset = csv_dataset(str(ann_file), metainfo={'category': 'cuboid'})
    assert len(dataset) == 5
    for number in range(5):
        expected, found = PICTURES.load_record(number), dataset.load_record(number)
        np.testing.assert_allclose(found.intrinsics, expected.intrinsics)
        for name in ('keypoints_gl', 'keypoints_image', 'dims_metric'):
            values = getattr(found.annotations, name), getattr(expected.annotations, name)
            np.testing.assert_allclose(*values, atol=1e-6)


def test_wrong_values_name_file_and_image(ann_file, csv_dataset):
    dataset = csv_dataset(str(ann_file), metainfo={'category': 'shoe'})
    with pytest.raises(DataError) as caught:
        dataset[2]
    assert caught.value.place.path == ann_file
    assert all(fact in caught.value.problem for fact in ('2.png', 'cuboid'))
    with pytest.raises(DataError) as caught:
        csv_dataset(str(ann_file.with_name('none.csv')))
    assert caught.value.place.path == ann_file.with_name('none.csv')


@pytest.mark.slow
def test_trains_and_tests(ann_file, csv_dataset, tmp_path):
    options = {
        'train_dataloader.batch_size': 5,
        'train_dataloader.num_workers': 0,
        'test_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 1,
        'val_dataloader': None,
        'val_cfg': None,
        'val_evaluator': None,
        **{f'{name}_dataloader.dataset.ann_file': str(ann_file) for name in ('train', 'test')},
        **{f'{name}_dataloader.dataset.input_wh': '(64,64)' for name in ('train', 'test')},
    }
    overrides = ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
    run('train', CONFIG, '--work-dir', tmp_path / 'run', *overrides)
    report = tmp_path / 'report.json'
    words = [CONFIG, tmp_path / 'run/epoch_1.pth', '--out', report, '--work-dir', tmp_path]
    assert main(['test', *map(str, words), *overrides]) == 0
    content = json.loads(report.read_text())
    count = sum(len(PICTURES.load_record(number).annotations) for number in range(5))
    assert (content['num_images'], content['num_objects']) == (5, count)


def test_config_loads_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = load_config(CONFIG).train_dataloader.dataset
    assert dataset.type == 'CsvDataset'
    assert 'num_images' not in dataset


def run(*words):
    done = subprocess.run(
        [sys.executable, '-m', 'cpose.cli.main', *map(str, words)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
