import cv2
import numpy as np
import pytest

from cpose.annotation.adaptation.scene_split import find_scenes, hold_out, hold_out_shown
from cpose.annotation.checks.similarity import hash_picture


def write_pictures(folder, names, seed=0, of_one=False):
    rng = np.random.default_rng(seed)
    picture = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120))
    for name in names:
        if not of_one:
            picture = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
        picture = np.roll(picture, 1, axis=1)


def hashes_of(folder, names):
    return [hash_picture(cv2.imread(str(folder / name))) for name in names]


def same(scenes, groups):
    return [len({scenes[k] for k in group}) for group in groups] == [1] * len(groups) and len(
        set(scenes)
    ) == len(groups)


@pytest.mark.parametrize(
    ('names', 'groups'),
    [
        (['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png'], [(0, 1), (2, 3)]),
        (['desk_01.png', 'desk_02.png', 'floor_01.png'], [(0, 1), (2,)]),
        (['IMG_0001.png', 'IMG_0002.png', 'IMG_0003.png'], [(0,), (1,), (2,)]),
    ],
    ids=['folders', 'names', 'numbers of a camera'],
)
def test_scenes_by_folders_and_names(tmp_path, names, groups):
    write_pictures(tmp_path, names)
    assert same(find_scenes(names, hashes_of(tmp_path, names)), groups)


def test_near_duplicates_are_of_one_scene(tmp_path):
    alike, other = ['IMG_1.png', 'IMG_2.png'], ['IMG_3.png']
    write_pictures(tmp_path, alike, of_one=True)
    write_pictures(tmp_path, other, seed=1)
    names = alike + other
    assert same(find_scenes(names, hashes_of(tmp_path, names)), [(0, 1), (2,)])


@pytest.mark.parametrize('seed', range(20))
def test_scenes_are_held_out_whole(seed):
    scenes = [0] * 5 + [1] * 4 + [2] * 1 + [3] * 10
    is_held = np.array(hold_out(scenes, 0.2, seed))
    for scene in range(4):
        assert len(set(is_held[np.array(scenes) == scene])) == 1
    assert 1 <= is_held.sum() <= 10


def test_pictures_of_their_own_give_the_wanted_share():
    assert sum(hold_out(range(50), 0.2, 0)) == 10
    assert hold_out(range(50), 0.2, 0) != hold_out(range(50), 0.2, 1)


def test_one_scene_gives_its_last_pictures():
    assert hold_out([0] * 5, 0.4, 0) == [False] * 3 + [True] * 2
    assert hold_out([0, 0], 0.9, 0) == [False, True]


@pytest.mark.parametrize('seed', range(20))
def test_both_parts_show_objects(seed):
    """Three places, in one of which there is nothing, and one whose objects are rare."""
    scenes = [0] * 4 + [1] * 4 + [2] * 4
    shows = [True] * 4 + [False] * 4 + [True] + [False] * 3
    held = np.array(hold_out_shown(scenes, shows, 0.3, seed))
    shown = np.array(shows)
    assert 0 < (held & shown).sum() < shown.sum()
    for scene in (0, 2):
        assert len(set(held[np.array(scenes) == scene])) == 1


def test_one_place_with_objects_gives_its_last_ones():
    held = hold_out_shown([0] * 4 + [1] * 3, [True, False, True, True, *[False] * 3], 0.3, 0)
    assert held[:4] == [False, False, False, True]
    assert hold_out_shown([0, 0, 0], [True, True, False], 0.3, 0) == [False, True, False]
