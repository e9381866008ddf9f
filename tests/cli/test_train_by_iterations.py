"""A config of MMEngine's kind: data sets in a wrapper, an endless sampler, a loop by iterations."""

import json

import pytest

from cpose.cli.main import main

CONFIG = """
_base_ = 'cpose::centerpose/quickstart.py'

model = dict(
    backbone=dict(name='test_resnet', pretrained=False),
    neck=dict(out_channels=16, out_stride=4),
    head=dict(head_conv=16),
)
part = dict(
    type='SyntheticCuboidDataset',
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    num_images=6,
    image_wh=(64, 64),
    input_wh=(64, 64),
    fresh_each_epoch=True,
    pipeline=[
        dict(type='LoadPoseImage'),
        dict(type='ExpandSymmetries'),
        dict(type='RandomPoseAffine'),
        dict(type='PackPoseInputs'),
    ],
)
plain = [dict(type='LoadPoseImage'), dict(type='LetterboxAffine'), dict(type='PackPoseInputs')]
tested = dict(
    _delete_=True,
    type='ConcatDataset',
    datasets=[dict(**{**part, 'seed': k, 'pipeline': plain}) for k in (7, 8)],
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    sampler=dict(_delete_=True, type='InfiniteSampler'),
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[part, dict(**{**part, 'seed': 5})]),
    ),
)
val_dataloader = dict(batch_size=4, num_workers=0, dataset=tested)
test_dataloader = dict(batch_size=4, num_workers=0, dataset=tested)
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=8, val_interval=4)
param_scheduler = [dict(type='MultiStepLR', milestones=[5], by_epoch=False)]
default_hooks = dict(checkpoint=dict(iter_interval=4))
del part, plain, tested
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'wrapped.py').write_text(CONFIG)
    return tmp_path / 'wrapped.py'


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.mark.slow
def test_trains_resumes_and_tests(config, tmp_path):
    work_dir = tmp_path / 'run'
    run('train', config, '--work-dir', work_dir)
    assert {'iter_4.pth', 'iter_8.pth'} <= {file.name for file in work_dir.glob('*.pth')}
    longer = ['--cfg-options', 'train_cfg.max_iters=10', 'val_evaluator=None', 'val_cfg=None']
    run('train', config, '--work-dir', work_dir, '--resume', *longer, 'val_dataloader=None')
    assert (work_dir / 'iter_10.pth').is_file()
    report = tmp_path / 'report.json'
    run('test', '-', work_dir / 'iter_10.pth', '--out', report)
    content = json.loads(report.read_text())
    assert content['num_images'] == 12
    assert list(content['per_category']) == ['cuboid']
