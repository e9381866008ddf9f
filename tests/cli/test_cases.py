"""Inputs that real users and attackers bring, through the commands."""

import json
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from cpose.cli.main import main
from cpose.tao.jobs.job_store import ROOT_VARIABLE

from ..datasets.written_cases import DATA as ANNOTATIONS
from ..datasets.written_cases import copy_case
from ..deploy.small_models import write_small_model
from .commands import MODEL

CASES = Path(__file__).parents[1] / 'data' / 'cases'
ATTACKS = CASES / 'attacks'
HUGE = CASES / 'huge' / 'huge.png'
PICTURE = CASES / 'camera' / 'img640x400.png'
INFER = ('infer', 'tiny.py', MODEL)
DEVICE = ('--device', 'cpu')
LIMIT = '40000×30000 pixels, more than 80,000,000'


def copy_folder(name):
    """Copy a case to the working directory."""
    is_annotation_only = (ANNOTATIONS / name).is_dir()
    if is_annotation_only:
        return copy_case(name, Path.cwd())
    return Path(shutil.copytree(CASES / name, name))


def train(root, *options):
    option = f'train_dataloader.dataset.data_root={str(root)!r}'
    return main(['train', 'tiny.py', '--work-dir', 'w', '--cfg-options', option, *options])


def evaluate(root, *options):
    words = ['test', 'tiny.py', MODEL, '--data-root', str(root), '--out', 'scores.json']
    assert main([*words, *(['--cfg-options', *options] if options else [])]) == 0
    return json.loads(Path('scores.json').read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'told'),
    [
        ('isaac_writer_no_projection', ''),
        ('plane_of_zeros', 'no ground plane'),
        ('visibility_percent', 'visibility must be from 0 to 1'),
        ('bom', ''),
        ('webp', ''),
        ('exif_turned', ''),
        ('other_classes', ''),
    ],
)
def test_folders_that_are_read_by_every_command(workplace, name, told, capfd):
    root = copy_folder(name)
    assert train(root) == 0
    report = evaluate(root)
    assert report['num_images'] == 3
    assert report['num_objects'] == (6 if name == 'other_classes' else 3)
    assert main([*INFER, str(root), '--out', 'found', *DEVICE]) == 0
    results = [json.loads(path.read_text()) for path in Path('found/json').glob('*.json')]
    assert [result['is_camera_guessed'] for result in results] == [False] * 3
    assert told in capfd.readouterr().err + ''.join(
        log.read_text() for log in Path('w').rglob('*.log')
    )


def test_classes_that_are_no_category_are_left_out(workplace):
    root = copy_folder('other_classes')
    report = evaluate(root, 'test_dataloader.dataset.classes.distractor=ignore')
    assert report['num_objects'] == 3


def cut(root):
    """Cut a picture off and return it."""
    picture = min(root.glob('*.jpg'))
    picture.write_bytes(picture.read_bytes()[:-1500])
    return picture, f'{picture.name} ('


def add_huge(root):
    """Make a picture one above the limit of the decoder, and return it."""
    picture = min(root.glob('*.jpg'))
    picture.unlink()
    return shutil.copy(HUGE, picture.with_suffix('.png')), LIMIT


@pytest.mark.slow
@pytest.mark.parametrize('spoil', [cut, add_huge])
def test_a_picture_that_cannot_be_read_ends_no_run_that_skips(workplace, fails, spoil):
    picture, says = spoil(Path('data'))
    data = ('--cfg-options', 'test_dataloader.dataset.data_root=data')
    fails('train', 'tiny.py', '--work-dir', 'w', says=says)
    fails('test', 'tiny.py', MODEL, '--out', 'scores.json', *data, says=says)
    fails(*INFER, 'data', '--out', 'found', *DEVICE, says=['left out', says])
    assert len(list(Path('found/json').glob('*.json'))) == 3
    assert train('data', 'train_dataloader.dataset.on_error=skip') == 0
    assert evaluate('data', 'test_dataloader.dataset.on_error=skip')['num_images'] == 3
    assert main([*INFER, 'data', '--out', 'found', '--skip-unreadable', *DEVICE]) == 0
    assert len(list(Path('found/json').glob('*.json'))) == 3
    assert picture


@pytest.mark.parametrize('spoil', [cut, add_huge])
def test_quantize_names_a_picture_that_cannot_be_read(workplace, fails, spoil):
    _, says = spoil(Path('data'))
    write_small_model(Path('a.onnx'))
    fails('quantize', 'a.onnx', '--data', 'data', '--out', 'b.onnx', '--eval-images', 0, says=says)
    assert not Path('b.onnx').exists()


@pytest.mark.parametrize('name', ['roi.yaml', 'cam_K.txt'])
def test_cameras_of_the_picture(workplace, name):
    words = ['--camera-file', str(CASES / 'camera' / name), '--out', 'found', *DEVICE]
    assert main([*INFER, str(PICTURE), *words]) == 0
    result = json.loads(Path('found/json/img640x400.json').read_text())
    assert result['is_camera_guessed'] is False
    expected = {
        'roi.yaml': (403.9, 403.9, 311.1, 175.7),
        'cam_K.txt': (614.2, 614.2, 320.1, 240.5),
    }[name]
    matrix = np.array(result['intrinsics'])
    np.testing.assert_allclose(matrix[[0, 1, 0, 1], [0, 1, 2, 2]], expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'size'), [('kalibr.yaml', '752×480'), ('bop_camera.json', '640×480')]
)
def test_cameras_of_other_pictures(workplace, fails, name, size):
    camera = ('--camera-file', CASES / 'camera' / name)
    fails(*INFER, PICTURE, *camera, '--out', 'found', *DEVICE, says=[name, size, '640×400'])
    width, height = map(int, size.split('×'))
    cv2.imwrite('fits.png', np.zeros((height, width, 3), np.uint8))
    assert main([*INFER, 'fits.png', *map(str, camera), '--out', 'found', *DEVICE]) == 0


@pytest.mark.slow
def test_pictures_with_their_reason(workplace, fails):
    cv2.imwrite('float.tif', np.random.default_rng(0).random((40, 60, 3), np.float32))
    heic = CASES / 'images' / 'heic.jpg'
    fails(*INFER, 'float.tif', '--out', 'a', *DEVICE, says='floating-point numbers')
    fails(*INFER, heic, '--out', 'a', *DEVICE, says='HEIC')
    names = ('noeoi.jpg', 'gray16_12bit.png')
    pictures = [str(CASES / 'images' / name) for name in names]
    assert main([*INFER, *pictures, '--out', 'b', *DEVICE]) == 0
    assert {path.stem for path in Path('b/json').glob('*.json')} == {'noeoi', 'gray16_12bit'}


def test_a_config_that_imports_a_name(workplace, capsys):
    config = str(CASES / 'configs' / 'imports_path.py')
    assert main(['print-config', config]) == 0
    assert 'Path' not in capsys.readouterr().out
    text = Path('tiny.py').read_text()
    Path('importing.py').write_text(f'{text}\nfrom pathlib import Path\n')
    assert main(['train', 'importing.py', '--work-dir', 'w']) == 0


CAMERAS = ('alias_bomb_camera.yaml', 'cam_bigint.yaml', 'odd_camera.yaml', 'odd_camera.json')
DUMPS = {
    'dump_of_a_huge_number.json': 'images[0].objects[0].keypoints_image',
    'dump_of_huge_symmetry.json': 'eval_num_symmetry',
    'dump_that_calls.json': 'os.system',
}
SPECS = ('alias_bomb_spec', 'reference_doubles', 'key_in_template', 'key_in_template_2')
SCRIPT = ATTACKS.parents[1] / 'attacks' / 'torchscript.pth'
ATTACK_LINES = {
    **{name: (*INFER, PICTURE, '--camera-file', ATTACKS / name) for name in CAMERAS},
    'picture': (*INFER, ATTACKS / 'image_claims_more_than_2_30_pixels.png'),
    **{name: ('evaluate', SCRIPT.parent / name) for name in DUMPS},
    'script to infer': ('infer', 'tiny.py', SCRIPT, PICTURE),
    'script to test': ('test', 'tiny.py', SCRIPT),
    'script to resume': ('train', 'tiny.py', '--resume', SCRIPT, '--work-dir', 'w'),
    'script to export': ('export-onnx', 'tiny.py', SCRIPT),
    'script to convert': ('convert', SCRIPT),
    **{f'{name} as a job': ('tao', 'create-job', '--action', 'train') for name in SPECS},
    **{f'{name} as a config': ('tao', 'to-config', ATTACKS / f'{name}.yaml') for name in SPECS},
    **{f'{name} in a task': ('tao', 'train', '-e', ATTACKS / f'{name}.yaml') for name in SPECS},
}


SAID = {
    **DUMPS,
    'script': 'TorchScript',
    'picture': '33000×33000',
    'key_in_template': 'results_dir',
    'key_in_template_2': 'model_name',
    'reference_doubles': 'results_dir',
    'cam_bigint.yaml': 'field K=',
    'odd_camera.yaml': 'field camera_data.width',
    'odd_camera.json': 'field distortion_coefficients',
    'alias_bomb_camera.yaml': 'alias',
}
LOGGED = ('status.json', 'jobs.sqlite', '.results', '.lock', 'tiny.py')
"""What tells of a run that failed, and what it was to run."""


def words_of(name):
    words = ATTACK_LINES[name]
    if words[1] == 'create-job':
        file = ATTACKS / f'{name.split()[0]}.yaml'
        return (*words, '--kind', 'experiment', '--name', 'x', '--specs', file)
    if words[:2] == ('tao', 'train') or words[0] == 'train':
        return words
    return (*words, '--out', 'made.onnx' if words[0] == 'export-onnx' else 'made.pth')


def most_memory():
    lines = Path('/proc/self/status').read_text().split('\n')
    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM')) * 1024


@pytest.mark.parametrize('name', ATTACK_LINES)
def test_attacks(workplace, fails, name, monkeypatch):
    monkeypatch.setenv(ROOT_VARIABLE, str(workplace / 'jobs'))
    monkeypatch.setenv('HOME', '/a-secret-of-the-environment')
    before = {path for path in workplace.rglob('*') if path.is_file()}
    Path('/proc/self/clear_refs').write_text('5')  # the peak of memory begins anew
    start, memory = time.process_time(), most_memory()
    error = fails(*words_of(name), says=SAID.get(name.split()[0], ''))
    assert time.process_time() - start < 20
    assert most_memory() - memory < 500e6
    assert '/a-secret' not in error
    made = {path for path in workplace.rglob('*') if path.is_file()} - before
    logs = {path for path in made if path.suffix == '.log' or path.name in LOGGED}
    assert made == logs
    assert not any(b'a-secret' in path.read_bytes() for path in made)
    assert not Path('PWNED').exists()


def set_weight(value):
    """Write the trained weights with one that is no number, without a checksum."""
    content = torch.load(MODEL, weights_only=True)
    weights = content['state_dict']
    name = next(key for key in weights if key.endswith('weight'))
    weights[name] = weights[name].clone(memory_format=torch.contiguous_format)
    weights[name].view(-1)[0] = value
    torch.save({'state_dict': weights}, 'odd.pth')


@pytest.mark.slow
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_no_numbers(workplace, fails, value):
    set_weight(value)
    says = ['odd.pth', 'backbone']
    fails('infer', 'tiny.py', 'odd.pth', 'data', '--out', 'o', *DEVICE, says=says)
    fails('test', 'tiny.py', 'odd.pth', '--out', 'o.json', says=says)
    fails('train', 'tiny.py', '--work-dir', 'w', '--cfg-options', 'load_from=odd.pth', says=says)
    fails('export-onnx', 'tiny.py', 'odd.pth', '--out', 'o.onnx', says=says)
    fails('convert', 'odd.pth', '--config', 'tiny.py', '--out', 'o.pth', says=says)
    assert list(Path().glob('o.*')) == list(Path('o').rglob('[!.]*.*')) == []


NAMES = (
    "a'b",
    'a"; touch PWNED; "',
    'a\n__import__("os").system("touch PWNED")\n',
    '{{$HOME:x}}',
    '$HOME',
)


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_names_of_files_are_no_code(workplace, name, monkeypatch, capsys):
    spec = Path(f'{name}.yaml')
    spec.write_text('dataset: {category: cup, train_data: data, val_data: data}\nresults_dir: r\n')
    assert main(['tao', 'to-config', str(spec), '--out', 'made.py']) == 0
    assert main(['print-config', 'made.py']) == 0
    pictures = Path(f'{name} pictures')
    shutil.copytree('data', pictures)
    for path in sorted(pictures.iterdir()):
        path.rename(pictures / f'{name}{path.name}')
    assert train(pictures) == 0
    assert evaluate(pictures)['num_images'] == 4
    assert main([*INFER, str(pictures), '--out', 'found', *DEVICE]) == 0
    results = [json.loads(path.read_text()) for path in Path('found/json').glob('*.json')]
    assert {result['image_name'] for result in results} == {
        path.name for path in pictures.glob('*.jpg')
    }
    assert not Path('PWNED').exists()
