import json
import os

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.annotation import splitting
from cpose.annotation.checks.checking import check_folder
from cpose.annotation.splitting import check_fractions, plan_split
from cpose.cli.main import main
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.errors import ConfigError, DataError

from ..datasets.annotations.written_files import correct_file
from ..user_errors import raises
from .planted import encode, make_picture, write_file, write_files

SHARES = {'train': 0.6, 'val': 0.2, 'test': 0.2}


def plan(root, by='video', shares=SHARES, seed=0):
    return plan_split(str(root), list(check_folder(str(root))), by, shares, seed)


def paths_of(split):
    return {part: [item.path for item in items] for part, items in split.parts.items()}


def write_videos(root, num_videos=10, num_frames=4):
    names = [f'v{video}_{frame:02d}' for video in range(num_videos) for frame in range(num_frames)]
    write_files(root, names)


def test_videos_stay_whole(tmp_path):
    write_videos(tmp_path)
    split = plan(tmp_path)
    paths = paths_of(split)
    assert {part: len(items) for part, items in paths.items()} == {'train': 24, 'val': 8, 'test': 8}
    videos = {part: {path.split('_')[0] for path in items} for part, items in paths.items()}
    assert sum(len(found) for found in videos.values()) == len(set().union(*videos.values())) == 10
    assert split.num_groups == {'train': 6, 'val': 2, 'test': 2}
    assert all(items == sorted(items) for items in paths.values())


def test_same_seed_same_split(tmp_path):
    write_videos(tmp_path)
    first, again, other = (paths_of(plan(tmp_path, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_scenes_stay_whole(tmp_path):
    for number in range(5):
        write_files(tmp_path / f'room{number}', ['a0', 'b0', 'c0'], first_seed=3 * number)
    split = plan(tmp_path, 'scene')
    rooms = [{os.path.dirname(path) for path in items} for items in paths_of(split).values()]
    assert sorted(map(len, rooms)) == [1, 1, 3]
    assert plan(tmp_path, 'video').num_groups == {'train': 9, 'val': 3, 'test': 3}


def test_fields_of_files_tell_the_video(tmp_path):
    for name, content in write_files(tmp_path, [f'{n}' for n in range(6)]).items():
        write_file(tmp_path, name, {**content, 'video': f'clip {int(name) % 3}'}, int(name))
    paths = paths_of(plan(tmp_path, shares={'train': 0.34, 'val': 0.33, 'test': 0.33}))
    assert sorted(map(tuple, paths.values())) == [
        ('0.jpg', '3.jpg'), ('1.jpg', '4.jpg'), ('2.jpg', '5.jpg')
    ]  # fmt: skip


def test_pictures_that_look_alike_stay_together(tmp_path):
    write_files(tmp_path, [f'{n}' for n in range(10)])
    for number in (2, 5, 8):
        darker = (make_picture(0) * (1 - number / 50)).astype(np.uint8)
        write_file(tmp_path, f'{number}', correct_file(number), image=darker)
    for seed in range(5):
        split = plan(tmp_path, 'random', {'train': 0.5, 'val': 0.5}, seed)
        homes = [
            part for part, items in paths_of(split).items() for path in items if path[0] in '0258'
        ]
        assert len(homes) == 4
        assert len(set(homes)) == 1


def test_each_part_has_its_share_of_each_class(tmp_path):
    for number in range(40):
        content = correct_file(number, num_objects=1 + number % 2)
        for item in content['objects']:
            item['class'] = 'rare' if number % 10 == 0 else 'common'
        write_file(tmp_path, f'{number}', content, number)
    split = plan(tmp_path, 'random', {'train': 0.5, 'val': 0.25, 'test': 0.25})
    rare = {part: split.count_classes(part)['rare'] for part in split.parts}
    assert rare == {'train': 2, 'val': 1, 'test': 1}
    common = [split.count_classes(part)['common'] for part in split.parts]
    np.testing.assert_allclose(common, [28, 14, 14], atol=1)


def test_no_part_stays_empty(tmp_path):
    write_videos(tmp_path, 3, 2)
    assert plan(tmp_path, shares={'train': 0.9, 'val': 0.05, 'test': 0.05}).num_groups == {
        'train': 1, 'val': 1, 'test': 1
    }  # fmt: skip


def test_what_cannot_be_split(tmp_path):
    write_files(tmp_path / 'plain')
    for by in ('video', 'scene'):
        with raises(DataError, path=tmp_path / 'plain'):
            plan(tmp_path / 'plain', by)
    write_videos(tmp_path / 'two', 2, 2)
    with raises(DataError, '2 groups', path=tmp_path / 'two'):
        plan(tmp_path / 'two')
    (tmp_path / 'bare').mkdir()
    (tmp_path / 'bare' / 'a.jpg').write_bytes(encode(make_picture(1)))
    with raises(DataError, 'none can be used', path=tmp_path / 'bare'):
        plan(tmp_path / 'bare', 'random')


@pytest.mark.parametrize('values', [(1.0,), (0.5, 0.6), (1.2, -0.2), (0.0, 1.0), (0.25,) * 4])
def test_wrong_fractions(values):
    with raises(ConfigError, argument='fractions', value=list(values)):
        check_fractions(values)


def test_fractions():
    assert check_fractions((0.7, 0.3)) == {'train': 0.7, 'val': 0.3}
    assert check_fractions((0.7, 0.0, 0.3)) == {'train': 0.7, 'test': 0.3}


def load(root, image_list=None):
    metainfo = {'category': 'cuboid', 'symmetry': {'type': 'CuboidSymmetry'}}
    with DefaultScope.overwrite_default_scope('cpose'):
        data = CenterPoseDataset(
            str(root), (), metainfo, image_list=image_list, require_annotation=True
        )
    return [os.path.relpath(data.load_record(i).image_path, root) for i in range(len(data))]


def test_lists_are_read_by_data_sets(tmp_path, capsys):
    root, out = tmp_path / 'data', tmp_path / 'out'
    write_videos(root)
    (root / 'lonely.jpg').write_bytes(encode(make_picture(77)))
    words = ['split', str(root), '--by', 'video', '--out', str(out), '--seed', '3']
    assert main(words) == 0
    assert '1 file cannot be used and is left out' in capsys.readouterr().out
    found = [load(root, str(out / f'{part}.txt')) for part in ('train', 'val', 'test')]
    assert [len(paths) for paths in found] == [32, 4, 4]
    assert len(set().union(*found)) == 40
    summary = json.loads((out / 'split.json').read_text())
    assert summary['parts']['val']['images'] == found[1]
    assert (summary['by'], summary['seed'], summary['num_left_out']) == ('video', 3, 1)
    before = (out / 'train.txt').read_bytes()
    assert main(words) == 2
    assert (out / 'train.txt').read_bytes() == before


@pytest.mark.parametrize('has_links', [True, False])
def test_folders(has_links, tmp_path, monkeypatch, capsys):
    root, out = tmp_path / 'data', tmp_path / 'out'
    write_videos(root)

    def refuse(source, target):
        raise OSError(18, 'Invalid cross-device link')

    if not has_links:
        monkeypatch.setattr(splitting.os, 'link', refuse)
    words = ['split', str(root), '--by', 'video', '--out', str(out), '--folders']
    assert main([*words, '--fractions', '0.7', '0.3']) == 0
    assert ('copied' in capsys.readouterr().out) != has_links
    found = [load(out / part) for part in ('train', 'val')]
    assert sorted(found[0] + found[1]) == load(root)
    path = out / 'val' / found[1][0]
    assert path.samefile(root / found[1][0]) == has_links
    assert cv2.imread(str(path)).shape == (480, 640, 3)
    assert main(['check-data', str(out)]) == 0
    assert 'another part' not in capsys.readouterr().out


def test_wrong_use(tmp_path):
    root = tmp_path / 'data'
    write_videos(root, 4, 1)
    words = ['split', str(root), '--by', 'video', '--out']
    assert main([*words, str(root / 'out')]) == 2
    assert main([*words, str(tmp_path / 'out'), '--fractions', '0.5', '0.6']) == 2
    assert main(['split', str(tmp_path / 'nowhere'), '--by', 'video', '--out', 'out']) == 2
    name = root / 'a\nb.jpg'
    (root / 'v1_00.jpg').rename(name)
    (root / 'v1_00.json').rename(name.with_suffix('.json'))
    assert main([*words, str(tmp_path / 'lists')]) == 2
    assert not list((tmp_path / 'lists').iterdir())
    assert main([*words, str(tmp_path / 'folders'), '--folders']) == 0


def test_classes_that_a_part_lacks_are_told(tmp_path, capsys):
    root = tmp_path / 'data'
    for name in ('cup', 'book'):
        for stem, content in write_files(root / name, ['0', '1']).items():
            content['objects'][0]['class'] = name
            write_file(root / name, stem, content, len(name) * 10 + int(stem))
    words = ['split', str(root), '--by', 'scene', '--fractions', '0.5', '0.5', '--out']
    assert main([*words, str(tmp_path / 'out')]) == 0
    text = capsys.readouterr().out
    assert 'train shows no object of' in text
    assert 'val shows no object of' in text
