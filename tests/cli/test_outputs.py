"""Outputs of commands replace no input, and files of others only with ``--force``."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cpose.cli.main import main
from cpose.files.outputs import folder_held

from .commands import INFER, MODEL, TEST, TRAIN

PICTURE, ANNOTATION = 'data/cuboid_000000.jpg', 'data/cuboid_000000.json'
REPORT = TEST[:3]


@pytest.fixture
def dump(workplace, trained):
    """A file of predictions, which the whole session shares."""
    file = trained / 'dump.json'
    if not file.exists():
        assert main([*TEST, '--dump', str(file)]) == 0
    shutil.copy(file, 'dump.json')
    return 'dump.json'


@pytest.mark.parametrize(
    ('words', 'output'),
    [
        ((*REPORT, '--out', MODEL), MODEL),
        ((*REPORT, '--out', 'run/../' + MODEL), MODEL),
        ((*REPORT, '--out', 'tiny.py'), 'tiny.py'),
        ((*REPORT, '--out', ANNOTATION), ANNOTATION),
        ((*REPORT, '--dump', MODEL), MODEL),
        ((*REPORT, '--dump', ANNOTATION), ANNOTATION),
        ((*REPORT, '--dump', 'hard'), 'hard'),
        ((*REPORT, '--dump', 'soft'), 'soft'),
        ((*REPORT, '--plot', PICTURE.replace('jpg', 'png')), 'png'),
        (('convert', MODEL, '--out', MODEL), MODEL),
        (('convert', MODEL, '--out', 'soft.pth'), 'soft.pth'),
        (('export-onnx', 'tiny.py', 'hard.onnx', '--out', 'hard.onnx'), 'hard.onnx'),
        (('quantize', 'hard.onnx', '--out', 'hard.onnx'), 'hard.onnx'),
        ((*INFER[:3], PICTURE, '--out', 'of_inputs'), 'of_inputs/vis'),
        ((*INFER[:3], 'of_inputs/json', '--out', 'of_inputs'), 'of_inputs/json'),
        ((*INFER[:3], 'of_inputs/vis/cuboid_000000.jpg', '--out', 'of_inputs'), 'of_inputs/vis'),
        ((*INFER[:3], 'of_inputs/vis/*.jpg', '--out', 'of_inputs'), 'of_inputs/vis'),
        ((*INFER, '--camera-file', 'out/json/cuboid_000000.json'), 'out/json/cuboid_000000.json'),
    ],
    ids=lambda value: value if isinstance(value, str) else ' '.join(value),
)
def test_an_input_is_not_replaced(fails, words, output):
    """Not even by order."""
    shutil.copy(PICTURE, PICTURE.replace('jpg', 'png'))
    os.link(MODEL, 'hard')
    os.link(MODEL, 'hard.onnx')
    for name in ('soft', 'soft.pth'):
        Path(name).symlink_to(MODEL)
    for folder in ('json', 'vis'):
        shutil.copytree('data', f'of_inputs/{folder}', ignore=shutil.ignore_patterns('*.png'))
    camera = {'fx': 60, 'fy': 60, 'cx': 32, 'cy': 32}
    Path('out/json/cuboid_000000.json').write_text(json.dumps(camera))
    force = () if words[0] == 'train' else ('--force',)
    if words[-3:-1] == (PICTURE, '--out'):  # the annotation there is of somebody else
        assert fails(*words, says=[output, '--force'])
        return
    fails(*words, *force, says=[output, 'an output never replaces an input'])


@pytest.mark.parametrize('option', ['--out', '--plot'])
def test_a_dump_is_not_replaced(fails, dump, option):
    shutil.copy(dump, 'dump.png')
    file = dump if option == '--out' else 'dump.png'
    fails('evaluate', file, option, file, '--force', says='an output never replaces an input')
    words = ('--config', 'tiny.py', '--out', 'tiny.py', '--force')
    fails('evaluate', file, *words, says='an output never replaces an input')


@pytest.mark.slow
def test_reports_of_earlier_runs_are_replaced(dump):
    """They tell that they are of this project; a thesis does not."""
    outputs = ('--out', 'report.json', '--plot', 'plot.png')
    for _ in range(2):
        assert main(['evaluate', dump, *outputs]) == 0
    assert main(['evaluate', dump, '--plot', 'plot.svg']) == 0
    assert main(['evaluate', dump, '--plot', 'plot.svg']) == 0
    assert main(['evaluate', dump, '--plot', 'plot.pdf']) == 0
    assert main(['evaluate', dump, '--plot', 'plot.pdf']) == 0


@pytest.mark.slow
@pytest.mark.parametrize('option', ['--out', '--plot'])
def test_files_of_others_need_an_order(fails, dump, option):
    Path('thesis.png').write_bytes(b'precious')
    words = ('evaluate', dump, option, 'thesis.png')
    fails(*words, says=['thesis.png exists, and cpose did not write it', '--force'])
    assert main([*words, '--force']) == 0
    assert main([*words]) == 0


@pytest.mark.slow
def test_results_of_infer(fails):
    """A second run replaces its own files, and nothing else that has such a name."""
    assert main(list(INFER)) == 0
    assert main(list(INFER)) == 0
    mine = np.zeros((8, 8, 3), np.uint8)
    cv2.imwrite('out/vis/cuboid_000001.jpg', mine)
    fails(*INFER, says=['out/vis/cuboid_000001.jpg exists', '--force'])
    assert main([*INFER, '--force']) == 0
    assert not np.array_equal(cv2.imread('out/vis/cuboid_000001.jpg'), mine)


def test_overview_of_synth(fails):
    Path('more_preview.png').write_bytes(b'precious')
    words = ('synth', 'more', '--num', '1', '--size', '64', '64')
    fails(*words, says=['more_preview.png exists', '--force'])
    assert main([*words, '--force']) == 0
    shutil.rmtree('more')
    assert main(list(words)) == 0


def test_folder_of_a_quickstart(fails):
    """The thesis is in ``data``; nothing is trained before that is found out."""
    fails('quickstart', '--out', 'data', says=['data is not empty', '--force'])


def test_two_trainings_in_one_folder(fails):
    with folder_held('run'):
        error = fails(*TRAIN, says=['run is in use by another run', 'process', '--work-dir'])
    assert str(os.getpid()) in error


def test_training_keeps_what_it_starts_from(fails):
    """Neither the checkpoint, nor the config that an earlier run wrote to the work dir."""
    start = ('--cfg-options', f'load_from={MODEL}')
    fails(*TRAIN, *start, says=[MODEL, 'never replaces an input', '--work-dir'])
    config = Path('run/tiny.py')
    shutil.copy('tiny.py', config)
    before = config.read_bytes()
    assert main(['train', str(config), '--work-dir', 'run']) == 0
    assert config.read_bytes() == before
    assert len(list(Path('run').glob('*/tiny.py'))) == 1
