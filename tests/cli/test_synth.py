import json

import cv2

from cpose.cli.main import build_parser, main
from cpose.errors import ConfigError, OutputError

from ..user_errors import raises


def run(*words):
    args = build_parser(['synth']).parse_args(['synth', *map(str, words)])
    return args.func(args)


def test_writes_images_annotations_and_an_overview(tmp_path, capsys):
    folder = tmp_path / 'boxes'
    assert run(folder, '--num', 3, '--size', 96, 64, '--objects', 1, 2, '--seed', 4) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f'cuboid_00000{k}.{end}' for k in range(3) for end in ('jpg', 'json')]
    assert cv2.imread(str(folder / names[0])).shape == (64, 96, 3)
    assert cv2.imread(str(tmp_path / 'boxes_preview.png')).shape == (213, 3 * 320, 3)
    assert '3 images' in capsys.readouterr().err


def test_brackets_in_the_name_of_the_folder_are_shown(tmp_path, capsys):
    run(tmp_path / '[a]', '--num', 1, '--size', 64, 64)
    assert '[a]_preview.png' in ''.join(capsys.readouterr().err.split())


def test_content_is_only_replaced_when_asked_for(tmp_path):
    (tmp_path / 'boxes').mkdir()
    old = tmp_path / 'boxes' / 'cuboid_000009.jpg'
    old.touch()
    with raises(OutputError):
        run(tmp_path / 'boxes', '--num', 1, '--size', 64, 64)
    assert run(tmp_path / 'boxes', '--num', 1, '--size', 64, 64, '--force') == 0
    assert not old.exists()


def test_other_shapes(tmp_path):
    run(tmp_path / 'cups', '--num', 1, '--size', 64, 64, '--shape', 'cup')
    written = json.loads((tmp_path / 'cups' / 'cuboid_000000.json').read_text())
    assert {item['class'] for item in written['objects']} == {'cup'}


def test_an_unknown_shape_is_refused(tmp_path):
    with raises(ConfigError, argument='shape'):
        run(tmp_path / 'cups', '--num', 1, '--size', 64, 64, '--shape', 'cupp')


def test_sizes_are_called_as_they_were_given(tmp_path, capsys):
    assert main(['synth', str(tmp_path / 'out'), '--num', '1', '--size', '64', '48']) == 2
    assert '--size 48' in capsys.readouterr().err
