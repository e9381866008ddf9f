"""Data of other writers through the commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from cpose.cli.main import main

from ..datasets.written_cases import CASES, copy_case, true_boxes
from .commands import MODEL

TRAIN = ('train', 'tiny.py', '--work-dir', 'other', '--cfg-options')
TEST = ('test', 'tiny.py', MODEL, '--out', 'numbers.json', '--work-dir', 'tested')


@pytest.mark.slow
def test_isaac_sims_files_in_every_command(workplace):
    root = copy_case('isaac_writer', workplace)
    assert main([*TRAIN, f'train_dataloader.dataset.data_root={root}']) == 0
    dump = workplace / 'dump.json'
    assert main([*TEST, '--data-root', str(root), '--dump', str(dump)]) == 0
    assert json.loads(Path('numbers.json').read_text())['num_objects'] == 3
    for number, image in enumerate(json.loads(dump.read_text())['images']):
        (item,) = image['objects']
        expected = true_boxes()['keypoints_gl'][number]
        np.testing.assert_allclose(item['keypoints_gl'], expected, atol=1e-9)
    assert main(['infer', 'tiny.py', MODEL, str(root), '--out', 'found', '--device', 'cpu']) == 0
    result = json.loads(Path('found/json/000000.json').read_text())
    camera = np.array(result['intrinsics'])[[0, 1, 0, 1], [0, 1, 2, 2]]
    np.testing.assert_allclose(camera, true_boxes()['camera'][0], atol=1e-9)
    assert result['is_camera_guessed'] is False


@pytest.mark.parametrize('case', CASES)
def test_commands_refuse_what_contradicts_itself(case, workplace, fails):
    root = copy_case(case, workplace)
    ((field, form),) = CASES[case].items()
    key = f'train_dataloader.dataset.convention=dict({field}={form!r})'
    fails(*TRAIN, f'train_dataloader.dataset.data_root={root}', says=['3 of 3', key])
    fails(*TEST, '--data-root', root, says=['3 of 3', f"dict({field}='{form}')"])


def test_a_key_reads_them(workplace):
    root = copy_case('points_in_opencv', workplace)
    options = [
        f'train_dataloader.dataset.data_root={root}',
        'train_dataloader.dataset.convention.camera_frame=opencv',
    ]
    assert main([*TRAIN, *options]) == 0


def test_training_without_targets_stops(workplace, fails):
    root = copy_case('points_in_opencv', workplace)
    options = [
        f'train_dataloader.dataset.data_root={root}',
        'train_dataloader.dataset.on_contradiction=warn',
    ]
    fails(*TRAIN, *options, says='no object that gets a training target')
