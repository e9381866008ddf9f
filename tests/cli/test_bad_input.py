"""What a user can get wrong: a message that tells what to do, exit code 2, nothing lost."""

import json
from pathlib import Path

import pytest

from cpose.cli.main import main

from .commands import COMMANDS, INFER, MODEL, TEST, TRAIN, replaced, write_overlay


@pytest.mark.slow
@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('optim_wrapper = None', ['broken.py', "no key 'optim_wrapper'"]),
        ('model = dict(head=dict(_delete_=True, head_conv=8))', ['broken.py', 'no key "type"']),
        ('train_dataloader = dict(sampler=None)', ['train_dataloader', "no key 'sampler'"]),
        (
            "train_dataloader = dict(dataset=dict(_delete_=True, type='CenterPoseDataset'))",
            ['config key train_dataloader.dataset', "missing 2 required", "'data_root'"],
        ),
        ('model = dict(', ['broken.py, line 2', 'SyntaxError']),
        ('\nmodel = 1 / 0', ['broken.py, line 3', 'ZeroDivisionError']),
    ],
)  # fmt: skip
def test_missing_key(fails, text, says):
    write_overlay(text)
    fails(*replaced('train', 'tiny.py', 'broken.py'), says=says)


@pytest.mark.parametrize('command', ['test', 'infer'])
def test_missing_key_without_training(fails, command):
    Path('broken.py').write_text('train_cfg = dict()')
    fails(*replaced(command, 'tiny.py', 'broken.py'), says="broken.py has no key 'model'")


@pytest.mark.parametrize('command', COMMANDS)
def test_unknown_registry_name(fails, command):
    option = 'model.head.type=CenterPoseHed'
    says = ["'CenterPoseHed'", 'model.head.type', 'Nearest known: CenterPoseHead']
    fails(*COMMANDS[command], '--cfg-options', option, says=says)


@pytest.mark.parametrize('command', COMMANDS)
def test_unknown_config_file(fails, command):
    says = ['CONFIG dla34_bik ', 'Nearest known: dla34_bike']
    fails(*replaced(command, 'tiny.py', 'dla34_bik'), says=says)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('option', 'says'),
    [
        ('train_cfg.max_epochs', "'train_cfg.max_epochs' is not KEY=VALUE"),
        ('train_cfg.max_epoch=3', ['train_cfg.max_epoch)', 'Nearest known: max_epochs']),
        ('train_cfg.max_epochs=many', ['config key train_cfg', "'many'"]),
        ('train_dataloader.batchsize=4', 'Nearest known: batch_size'),
        ('train_dataloader.batch_size=0', 'batch_size=0'),
        ('optim_wrapper.optimizer.lr=-1', ['config key optim_wrapper', 'optimizer.lr=-1']),
        ('param_scheduler.9.type=x', ['param_scheduler.9', 'print-config']),
        (
            'optim_wraper.optimizer.lr=1',
            ['--cfg-options optim_wraper', 'Nearest known: optim_wrapper.'],
        ),
        ('=5', 'cannot be a config key'),
        ('optim_wrapper.optimizer.lr=abc', ['config key optim_wrapper', "optimizer.lr='abc'"]),
        ('optim_wrapper.clip_grad=5', ['config key optim_wrapper', 'clip_grad=5']),
        ('train_dataloader.num_workers=abc', ["num_workers='abc'", '_dataloader.num_workers']),
        ('train_dataloader.dataset.data_root=5', ['config key train_dataloader', 'data_root=5']),
        ('train_cfg.val_interval=0', ['val_interval=0', 'val_dataloader']),
        ('model.head.num_classes=2', ['num_classes=2', 'cuboid']),
        ('model.backbone=None', ['config key model', 'backbone=None']),
        ('custom_hooks=[dict()]', 'onfig key custom_hooks[0]'),
        ('train_dataloader.dataset.input_wh=[60,64]', ['input_wh=(60, 64)', 'multiples of 32']),
    ],
)
def test_wrong_override(fails, option, says):
    fails(*TRAIN, '--cfg-options', option, says=says)


def test_hook_without_a_type(fails):
    fails(
        *TEST,
        '--cfg-options',
        'custom_hooks=[dict()]',
        says=['custom_hooks[0]', 'has no key "type"'],
    )


IMAGE, ANNOTATION = Path('data/cuboid_000001.jpg'), Path('data/cuboid_000001.json')


def on_folder(command, folder):
    """Return a command that reads a folder."""
    words = replaced(command, 'data', folder)
    options = {
        'train': ['--cfg-options', f'train_dataloader.dataset.data_root={folder}'],
        'test': ['--data-root', folder],
    }
    return words + options.get(command, [])


@pytest.mark.parametrize('command', COMMANDS)
def test_empty_folder(fails, command):
    Path('empty').mkdir()
    fails(*on_folder(command, 'empty'), says='empty')


@pytest.mark.parametrize('command', COMMANDS)
def test_missing_folder(fails, command):
    fails(*on_folder(command, 'nowhere'), says='nowhere')


def remove_annotation():
    ANNOTATION.unlink()


def remove_image():
    IMAGE.unlink()


def truncate():
    ANNOTATION.write_bytes(ANNOTATION.read_bytes()[:200])


def change_object(**values):
    content = json.loads(ANNOTATION.read_text())
    content['objects'][0].update(values)
    ANNOTATION.write_text(json.dumps(content))


def change_camera(**values):
    content = json.loads(ANNOTATION.read_text())
    content['camera_data']['intrinsics'].update(values)
    ANNOTATION.write_text(json.dumps(content))


def empty_image():
    IMAGE.write_bytes(b'')


ANNOTATION_DAMAGES = {
    'image without JSON': (remove_annotation, ['image without an annotation', IMAGE.name]),
    'JSON without image': (remove_image, ['annotation without an image', ANNOTATION.name]),
    'truncated': (truncate, [str(ANNOTATION), 'not valid JSON', 'truncated']),
    'missing': (
        lambda: change_object(scale=None), [f'{ANNOTATION}: field objects[0].scale is missing'],
    ),
    'NaN': (
        lambda: change_object(scale=[1, float('nan'), 1]),
        [f'{ANNOTATION}: field objects[0].scale=[1, nan, 1]'],
    ),
    'shape': (
        lambda: change_object(keypoints_3d=[[0, 0, 1]] * 8),
        [f'{ANNOTATION}: field objects[0].keypoints_3d=[[0, 0, 1]', '(8, 3), expected (9, 3)'],
    ),
    'points': (
        lambda: change_object(projected_cuboid=[[0, 0]] * 8),
        [f'{ANNOTATION}: field objects[0].projected_cuboid', '8 points, expected 9'],
    ),
    'focal length': (
        lambda: change_camera(fx=0), [f'{ANNOTATION}: field camera_data.intrinsics.fx=0'],
    ),
    'empty image': (empty_image, ['empty image file', IMAGE.name]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize('damage', ANNOTATION_DAMAGES)
def test_unusable_files_are_named_or_left_out(fails, damage):
    change, says = ANNOTATION_DAMAGES[damage]
    change()
    fails(*TRAIN, says=['Unusable files in data: 1.', *says, "on_error='skip'"])
    fails(*TEST, says=['Unusable files in data: 1.', *says])
    option = 'train_dataloader.dataset.on_error=skip'
    assert main([*TRAIN[:2], '--work-dir', 'skipping', '--cfg-options', option]) == 0
    (log,) = Path('skipping').rglob('*.log')
    text = log.read_text()
    assert 'Left out of data: 1 files.' in text
    assert all(part in text for part in says)
    assert Path('skipping/epoch_1.pth').is_file()


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('command', ['train', 'test'])
def test_garbage_image(fails, command, workers):
    IMAGE.write_bytes(b'garbage')
    option = f'{command}_dataloader.num_workers={workers}'
    says = [f'{IMAGE} (7 bytes)']
    error = fails(*COMMANDS[command], '--cfg-options', option, says=says)
    assert error.startswith(f'cpose {command}: {IMAGE} ')


@pytest.mark.slow
def test_garbage_image_in_training_can_be_left_out(workplace):
    IMAGE.write_bytes(b'garbage')
    option = 'train_dataloader.dataset.on_error=skip'
    assert main([*TRAIN[:2], '--work-dir', 'skipping', '--cfg-options', option]) == 0
    (log,) = Path('skipping').rglob('*.log')
    assert f'Left out: {IMAGE} (7 bytes) cannot be decoded' in log.read_text()


@pytest.mark.slow
def test_garbage_image_in_evaluation_is_not_counted(workplace):
    IMAGE.write_bytes(b'garbage')
    option = 'test_dataloader.dataset.on_error=skip'
    words = ['test', 'tiny.py', MODEL, '--out', 'skipping.json', '--cfg-options', option]
    assert main(words) == 0
    assert json.loads(Path('skipping.json').read_text())['num_images'] == 3
    (log,) = Path('work_dirs').rglob('*.log')
    text = log.read_text()
    assert f'Left out: {IMAGE} (7 bytes) cannot be decoded' in text
    assert '1 of 4 images could not be read and are not counted' in text


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('command', COMMANDS)
def test_pipeline_without_packing(fails, command, workers):
    loader = 'train_dataloader' if command == 'train' else 'test_dataloader'
    pipeline = "pipeline=[dict(type='LoadPoseImage'), dict(type='LetterboxAffine')]"
    write_overlay(f'{loader} = dict(num_workers={workers}, dataset=dict({pipeline}))')
    says = ['(LoadPoseImage, LetterboxAffine)', '_dataloader.dataset.pipeline', 'PackPoseInputs']
    fails(*replaced(command, 'tiny.py', 'broken.py'), says=says)


@pytest.mark.parametrize('command', COMMANDS)
def test_category_that_is_no_text(fails, command):
    loader = 'train_dataloader' if command == 'train' else 'test_dataloader'
    write_overlay(f'{loader} = dict(dataset=dict(metainfo=dict(category=5)))')
    says = ['metainfo.category=5', 'quotes']
    fails(*replaced(command, 'tiny.py', 'broken.py'), says=says)


@pytest.mark.parametrize(
    ('content', 'says'), [(b'garbage', '(7 bytes) cannot be decoded'), (b'', 'is empty')]
)
def test_unreadable_image_in_inference(fails, content, says):
    IMAGE.write_bytes(content)
    fails(*INFER, says=[f'left out: {IMAGE} {says}'])
    written = {path.stem for path in Path('out/json').glob('*.json')}
    assert written == {path.stem for path in Path('data').glob('*.jpg')} - {IMAGE.stem} | {
        'earlier'
    }


@pytest.mark.parametrize(
    ('numbers', 'says'),
    [
        ('0 60 32 32', ['--camera', 'fx=0']),
        ('60 -60 32 32', ['--camera', 'fy=-60']),
        ('nan 60 32 32', 'fx=nan'),
        ('60 60 32', ['3 numbers', 'FX FY CX CY']),
        ('60 60 32 32 0 1', ['6 numbers', 'FX FY CX CY']),
        ('60 sixty 32 32', ["'sixty'", 'FX FY CX CY']),
    ],
)
def test_camera_numbers(fails, numbers, says):
    fails(*INFER, '--camera', *numbers.split(), says=says)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('content', 'says'),
    [
        ('{"fx": -60, "fy": 60, "cx": 32, "cy": 32}', 'field fx=-60'),
        ('{"K": [0, 0, 32, 0, 60, 32, 0, 0, 1]}', 'field K=[0, 0, 32, 0, 60, 32, 0, 0, 1]'),
        ('{"fx": 60}', 'field fy is missing'),
        ('{"width": 64}', 'holds no camera'),
        ('{"fx": 60,', 'is not valid JSON'),
    ],
)
def test_camera_file(fails, content, says):
    Path('camera.json').write_text(content)
    error = fails(*INFER, '--camera-file', 'camera.json', says=says)
    assert 'camera.json' in error


@pytest.mark.parametrize('device', ['gpu', 'meta', 'cuda:99'])
def test_device(fails, device):
    fails(*INFER[:-1], device, says=[f'--device {device}', 'cpu'])
