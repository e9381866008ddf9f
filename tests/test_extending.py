"""The examples of docs/extending.md do what the page says."""

import importlib
import re
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from benchmarks.accuracy.metric_scenes import make_scene
from cpose.apis.config.load import load_config
from cpose.apis.training import train
from cpose.cli.main import main
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.registry import DATASETS, TRACKERS
from cpose.structures.object_pose import ObjectPose, PoseResult, VideoFrame

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
BLOCKS = {
    name: text for name, text in re.findall(r'```python\n# (\w+)\.py\n(.*?)```', PAGE, flags=re.S)
}
LINKS = re.findall(r'\]\(\.\./(projects/\w+)/README\.md\)', PAGE)
TINY = {
    'train_dataloader.dataset.num_images': 4,
    'train_dataloader.dataset.image_wh': (64, 64),
    'train_dataloader.dataset.input_wh': (64, 64),
    'train_dataloader.batch_size': 4,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'train_cfg.max_epochs': 1,
    'val_dataloader': None,
    'val_cfg': None,
    'val_evaluator': None,
}


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The blocks of the page as modules on the import path."""
    for name, text in BLOCKS.items():
        (tmp_path / f'{name}.py').write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize('project', LINKS)
def test_linked_projects_have_tests(project):
    assert list((ROOT / project / 'tests').glob('test_*.py'))


@pytest.mark.slow
def test_small_parts_train(modules):
    runner = train(modules / 'my_config.py', work_dir=modules / 'run', options=TINY)
    assert 'Trained 1 iterations.' in next((modules / 'run').glob('*/*.log')).read_text()
    assert type(runner.model.head.criterion.terms['scale']).__name__ == 'HuberLoss'


def test_a_loss_equals_its_formula(modules):
    loss = importlib.import_module('my_parts').HuberLoss()
    found = loss(torch.tensor([0.5, 3.0]), torch.zeros(2))
    torch.testing.assert_close(found, torch.tensor([0.125, 2.5]))


def test_a_shape_is_drawn(modules):
    config = load_config(modules / 'my_dominoes.py')
    importlib.import_module('my_shape')
    parts = config.train_dataloader.dataset
    parts.update(image_wh=(96, 96), pipeline=[])
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset = DATASETS.build(parts)
    records = [dataset.load_record(number) for number in range(4)]
    assert dataset.metainfo['category'] == ('domino',)
    found = np.concatenate([record.annotations.dims_metric for record in records])
    assert len(found) > 0
    np.testing.assert_allclose(found[:, 0] / found[:, 1], 0.05 / 0.012)


def test_a_command_counts(modules, capsys):
    parser = ArgumentParser()
    importlib.import_module('my_command').add_parser(parser.add_subparsers())
    folder = str(modules / 'boxes')
    assert main(['synth', folder, '--num', '3', '--size', '64', '64']) == 0
    capsys.readouterr()
    args = parser.parse_args(['count', folder])
    args.func(args)
    assert capsys.readouterr().out == '3\n'


def test_a_tracker_averages(modules):
    importlib.import_module('my_tracker')
    tracker = TRACKERS.build({'type': 'SteadyScores', 'keep': 0.5})
    results = [tracker.update(result(score), frame(n)) for n, score in enumerate((1, 0))]
    found = [one.poses[0].score for one in results]
    assert found == [1.0, 0.5]
    tracker.reset()
    assert tracker.update(result(0.25), frame(0)).poses[0].score == 0.25


def test_a_source_of_metres_scales(modules):
    importlib.import_module('my_scale')
    scene = make_scene(5)
    scaling = MetricScaling({'type': 'MeasuringBench', 'metres': 0.8})
    pose = scaling.apply(scene.result, scene).poses[0]
    assert pose.location_cv[2] == pytest.approx(0.8)
    assert pose.metric_scale.location_std[2] == pytest.approx(0.01)


def result(score):
    pose = ObjectPose(score, 0, np.zeros(4), np.zeros((8, 2)), np.ones(3))
    return PoseResult('video', (64, 64), None, [pose])


def frame(number):
    return VideoFrame('video', number, number / 30, 30.0)
