"""A folder as a user has it: config, images, a trained model, earlier results."""

import os
import shutil

import pytest

from cpose.cli.main import main

CONFIG = """
_base_ = 'cpose::centerpose/quickstart.py'

__shared = dict(
    _delete_=True,
    type='CenterPoseDataset',
    data_root='data',
    input_wh=(64, 64),
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry')),
)
__pack = [dict(type='LetterboxAffine'), dict(type='PackPoseInputs')]
model = dict(
    backbone=dict(name='test_resnet', pretrained=False),
    neck=dict(out_channels=16, out_stride=4),
    head=dict(head_conv=16, use_association=False),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        **__shared, pipeline=[dict(type='LoadPoseImage'), dict(type='ExpandSymmetries'), *__pack]
    ),
)
val_dataloader = None
val_cfg = None
val_evaluator = None
test_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(**__shared, pipeline=[dict(type='LoadPoseImage'), *__pack]),
)
train_cfg = dict(max_epochs=1)
visualizer = dict(vis_backends=[])
"""
NUM_IMAGES = 4


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """Config ``tiny.py``, ``data/`` and, after one epoch of two iterations, ``run/``."""
    folder = tmp_path_factory.mktemp('trained')
    (folder / 'tiny.py').write_text(CONFIG)
    data = folder / 'data'
    assert main(['synth', str(data), '--num', str(NUM_IMAGES), '--size', '64', '64']) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(['train', 'tiny.py', '--work-dir', 'run']) == 0
    return folder


@pytest.fixture
def workplace(trained, tmp_path, monkeypatch):
    """The working directory: what was trained, and results of ``test`` and ``infer``."""
    shutil.copy(trained / 'tiny.py', tmp_path)
    shutil.copytree(trained / 'data', tmp_path / 'data')
    (tmp_path / 'run').mkdir()
    for name in ('epoch_1.pth', 'last_checkpoint'):
        os.link(trained / 'run' / name, tmp_path / 'run' / name)
    (tmp_path / 'metrics.json').write_text('{"AP50_3DIoU": 0.5}')
    (tmp_path / 'out' / 'json').mkdir(parents=True)
    (tmp_path / 'out' / 'json' / 'earlier.json').write_text('{}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fails(workplace, capsys):
    """Run a command that must fail and lose nothing; return what it writes to stderr."""

    def run(*words, says=()):
        before = {path: path.read_bytes() for path in workplace.rglob('[!.]*') if path.is_file()}
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        output, error = capsys.readouterr()
        assert code == 2, error
        for text in [says] if isinstance(says, str) else says:
            assert text in error
        assert 'Traceback' not in output + error
        for path, content in before.items():
            assert path.read_bytes() == content, f'{path} is lost'
        return error

    return run
