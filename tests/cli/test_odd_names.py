"""Names that are no text, outputs that are folders, and a folder that goes while it is written."""

import os
import shutil
from pathlib import Path

import onnx
import pytest

from cpose.cli.main import main
from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.tao.jobs.job_store import ROOT_VARIABLE

from ..deploy.small_models import write_small_model
from .commands import MODEL

NAME = os.fsdecode(b'b\xffd')
"""A name as old archives and drives of other systems have them."""
INFER = ('infer', 'tiny.py', MODEL)
DEVICE = ('--device', 'cpu')


@pytest.fixture
def data(workplace):
    """A folder of such a name, with such files in it."""
    folder = Path(shutil.copytree('data', NAME))
    for path in list(folder.iterdir()):
        path.rename(folder / f'{NAME}{path.name}')
    return str(folder)


@pytest.mark.slow
def test_data_of_any_name_are_read(data):
    option = f'train_dataloader.dataset.data_root={data}'
    assert main(['train', 'tiny.py', '--work-dir', 'w', '--cfg-options', option]) == 0
    words = ['test', 'tiny.py', MODEL, '--data-root', data, '--out', f'{NAME}.json']
    assert main([*words, '--dump', f'{NAME}dump.json']) == 0
    assert main(['evaluate', f'{NAME}dump.json', '--out', f'{NAME}2.json']) == 0
    assert main([*INFER, data, '--out', f'{NAME}found', *DEVICE]) == 0
    assert len(list(Path(f'{NAME}found/json').glob(f'{NAME}*.json'))) == 4
    assert main(['check-data', data]) == 0


def test_what_other_formats_keep_has_a_name_that_is_text(data, fails, monkeypatch):
    says = 'bytes that are no UTF-8. Rename it.'
    fails('train', 'tiny.py', '--work-dir', f'w{NAME}', says=says)
    write_small_model(Path(f'{NAME}.onnx'))
    fails('infer', '-', f'{NAME}.onnx', 'data', '--out', 'found', *DEVICE, says=says)
    monkeypatch.setenv(ROOT_VARIABLE, 'jobs')
    Path('spec.yaml').write_text('dataset: {train_data: data, val_data: data}')
    job = ('tao', 'create-job', '--kind', 'experiment', '--action', 'train', '--specs', 'spec.yaml')
    fails(*job, '--name', NAME, says=says)
    assert [path.name for path in Path('jobs').iterdir()] == ['jobs.sqlite']


@pytest.mark.parametrize('out', ['/', '.', '', '//', 'data/'])
def test_outputs_that_are_folders(workplace, fails, out):
    for words in (
        ('convert', MODEL, '--config', 'tiny.py'),
        ('test', 'tiny.py', MODEL),
        ('export-onnx', 'tiny.py', MODEL),
    ):
        fails(*words, '--out', out)
        fails(*words, '--out', out, *(() if words[0] == 'test' else ('--force',)))


def move(folder):
    folder.rename('elsewhere')


@pytest.mark.slow
@pytest.mark.parametrize('lose', [shutil.rmtree, move])
def test_a_work_dir_that_goes_while_training(workplace, capsys, lose, monkeypatch):
    def after_train_epoch(self, runner):
        original(self, runner)
        if runner.epoch == 1:
            lose(Path('w'))

    original = AtomicCheckpointHook.after_train_epoch
    monkeypatch.setattr(AtomicCheckpointHook, 'after_train_epoch', after_train_epoch)
    text = "_base_ = './tiny.py'\nvisualizer = dict(vis_backends=[dict(type='LocalVisBackend')])\n"
    Path('shown.py').write_text(f'{text}train_cfg = dict(max_epochs=6)\n')
    assert main(['train', 'shown.py', '--work-dir', 'w']) == 2
    error = capsys.readouterr().err
    assert 'w was removed or renamed during the run' in error
    assert '--resume' in error
    assert 'Traceback' not in error


@pytest.mark.parametrize('place', ['other.data', '/etc/passwd', '../other.data'])
def test_weights_in_another_file(workplace, fails, place):
    model = onnx.load(write_small_model(Path('a.onnx')))
    del model.metadata_props[:]
    names = {'save_as_external_data': True, 'location': 'other.data', 'size_threshold': 0}
    onnx.save(model, 'b.onnx', **names)
    model = onnx.load('b.onnx', load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = place if entry.key == 'location' else entry.value
    Path('b.onnx').write_bytes(model.SerializeToString())
    says = 'in another file'
    fails('infer', 'tiny.py', 'b.onnx', 'data', '--out', 'found', *DEVICE, says=says)
    fails('test', 'tiny.py', 'b.onnx', '--out', 'scores.json', says=says)
    fails('quantize', 'b.onnx', '--out', 'c.onnx', '--precision', 'fp16', says=says)
    fails('build-trt', 'b.onnx', '--out', 'c.engine', says=says)
