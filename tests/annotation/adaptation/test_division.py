import json
from dataclasses import asdict

import cv2
import pytest

from cpose.annotation.adaptation.division import (
    Division,
    divide,
    read_division,
    write_division,
)
from cpose.errors import ConfigError, DataError

from ...user_errors import raises
from ..planted import write_file, write_files

DIVISION = Division(
    root='photos',
    val_root='photos',
    train=['a.png'],
    val=['b.png'],
    num_scenes=2,
    left_out='',
    metainfo={'category': 'cup', 'symmetry': {'type': 'NoSymmetry'}},
    classes=None,
    is_like_model=True,
)


KNOWN = {
    'category': ['box', 'cup'],
    'symmetry': [{'type': 'CuboidSymmetry'}, {'type': 'NoSymmetry'}],
    'eval_num_symmetry': [1, 1],
}


def write_class(folder, name, count=3, **fields):
    for number, (stem, content) in enumerate(
        write_files(folder / name, [f'{n}' for n in range(count)]).items()
    ):
        content['objects'][0].update({'class': name, **fields})
        write_file(folder / name, stem, content, 10 * len(name) + number)


def one_of(known, number):
    return {key: values[number : number + 1] for key, values in known.items()}


@pytest.mark.parametrize('seed', range(3))
def test_what_is_held_out_shows_what_is_learnt(tmp_path, seed):
    """A folder of several classes, each in a place of its own, and a model of one of them."""
    for name in ('box', 'cup', 'bottle'):
        write_class(tmp_path, name)
    division = divide(str(tmp_path), 0.3, one_of(KNOWN, 0), 'box', None, seed)
    for paths in (division.train, division.val):
        assert any(path.startswith('box/') for path in paths)
    assert '6 × object of another class: bottle, cup' in division.left_out
    both = divide(str(tmp_path), 0.3, KNOWN, None, None, seed)
    assert both.classes == {'*': 'leave_out'}
    assert '3 × object of another class: bottle' in both.left_out


def test_models_of_several_categories_need_one_of_them(tmp_path):
    write_class(tmp_path, 'bottle')
    with raises(ConfigError, 'box, cup', argument='model'):
        divide(str(tmp_path), 0.3, KNOWN, None, None, 0)


def test_objects_that_nobody_can_judge_by_do_not_count(tmp_path):
    write_class(tmp_path / 'photos', 'box', visibility=0.05)
    with raises(DataError, 'visibility', path=tmp_path / 'photos'):
        divide(str(tmp_path / 'photos'), 0.3, one_of(KNOWN, 0), None, None, 0)
    write_class(tmp_path / 'good', 'box')
    with raises(DataError, 'visibility', path=tmp_path / 'photos'):
        divide(str(tmp_path / 'good'), str(tmp_path / 'photos'), one_of(KNOWN, 0), None, None, 0)


def test_pictures_that_training_cannot_read_are_left_out(tmp_path):
    train, val = tmp_path / 'train', tmp_path / 'val'
    write_class(train, 'box', 4)
    write_class(val, 'box', 2)
    cut = train / 'box' / '1.jpg'
    cut.write_bytes(cut.read_bytes()[:-2000])
    small = cv2.resize(cv2.imread(str(train / 'box' / '2.jpg')), (320, 240))
    cv2.imwrite(str(train / 'box' / '2.jpg'), small)
    for held in (0.5, str(val)):
        division = divide(str(train), held, one_of(KNOWN, 0), None, None, 0)
        used = division.train + (division.val if division.num_scenes else [])
        assert sorted(used) == ['box/0.jpg', 'box/3.jpg']
        assert 'box/1.jpg' in division.left_out
        assert '320×240' in division.left_out


def test_annotations_that_contradict_themselves(tmp_path):
    """Some are left out, and most of a folder are refused before anything is written."""
    contents = write_files(tmp_path, [f'{n}' for n in range(5)])
    for count, name in enumerate(('0', '1', '2')):
        contents[name]['objects'][0]['projected_cuboid'][3][0] += 60
        write_file(tmp_path, name, contents[name], int(name))
        if count < 2:
            division = divide(str(tmp_path), 0.3, one_of(KNOWN, 0), None, None, 0)
            assert len(division.train + division.val) == 4 - count
            assert f'{count + 1} × annotation that contradicts itself' in division.left_out
    with raises(DataError, 'contradict themselves', path=tmp_path):
        divide(str(tmp_path), 0.3, one_of(KNOWN, 0), None, None, 0)


def test_pictures_to_judge_by_are_others(tmp_path):
    """A folder inside of the other one is refused, and a copy of a picture is told."""
    write_class(tmp_path / 'train', 'box', 3)
    write_class(tmp_path / 'val', 'box', 2)
    first, second = str(tmp_path / 'train'), str(tmp_path / 'val')
    for root, val in ((str(tmp_path), second), (second, str(tmp_path)), (first, first)):
        with raises(ConfigError, argument='val', value=val):
            divide(root, val, one_of(KNOWN, 0), None, None, 0)
    with pytest.warns(UserWarning, match='2 look nearly the same'):
        divide(first, second, one_of(KNOWN, 0), None, None, 0)


def test_round_trip(tmp_path):
    write_division(tmp_path / 'split.json', DIVISION)
    assert read_division(tmp_path / 'split.json') == DIVISION
    content = asdict(DIVISION)
    del content['asked']
    (tmp_path / 'earlier.json').write_text(json.dumps(content))
    assert read_division(tmp_path / 'earlier.json') == DIVISION


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        ({'metainfo': {'symmetry': {'type': 'os.system'}}}, 'os.system'),
        ({'more': 1}, 'fields'),
    ],
)
def test_files_that_this_project_did_not_write(tmp_path, change, told):
    path = tmp_path / 'split.json'
    path.write_text(json.dumps({**asdict(DIVISION), **change}))
    with raises(DataError, told, path=path):
        read_division(path)
