import numpy as np
import pytest

from cpose.datasets.annotations import annotation_index as index_cache
from cpose.datasets.annotations.annotation_index import cache_paths, load_cache, save_cache
from cpose.datasets.annotations.annotation_table import AnnotationTable


@pytest.fixture(autouse=True)
def user_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'user_cache'))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / 'data'
    folder.mkdir()
    return folder


def make_table(*paths):
    return AnnotationTable.build(paths, [(1, 2, 3, 4)] * len(paths), [None] * len(paths))


def block(path):
    """Make a path unusable as a file, also for the superuser."""
    path.mkdir(parents=True)
    (path / 'x').write_text('')


def test_beside_the_data(root):
    save_cache(root, make_table('a', 'b'))
    beside, user = cache_paths(root)
    assert beside.parent == root
    assert [beside.is_file(), user.exists()] == [True, False]
    table = load_cache(root)
    assert table.paths.tolist() == ['a', 'b']
    np.testing.assert_array_equal(table.images['key'], [[1, 2, 3, 4]] * 2)
    assert [path.name for path in root.iterdir()] == [beside.name]


def test_in_the_users_cache_if_the_data_cannot_be_written(root, tmp_path):
    beside, user = cache_paths(root)
    block(beside)
    save_cache(root, make_table('a'))
    assert user.is_file()
    assert user.is_relative_to(tmp_path / 'user_cache' / 'cpose')
    assert load_cache(root).paths.tolist() == ['a']
    assert [path.name for path in root.iterdir()] == [beside.name]


def test_folders_have_different_indices(root, tmp_path):
    assert cache_paths(root)[1] != cache_paths(tmp_path)[1]


def test_nowhere_to_write_is_no_error(root, caplog):
    for path in cache_paths(root):
        block(path)
    save_cache(root, make_table('a'))
    assert load_cache(root) is None


@pytest.mark.parametrize('content', [b'', b'no zip', b'PK\x03\x04 cut'])
def test_damaged_index_is_left_aside(root, content):
    cache_paths(root)[0].write_bytes(content)
    assert load_cache(root) is None


def test_truncated_index_is_left_aside(root):
    save_cache(root, make_table(*map(str, range(100))))
    path = cache_paths(root)[0]
    path.write_bytes(path.read_bytes()[:-300])
    assert load_cache(root) is None


def test_pickles_are_refused(root):
    np.savez(cache_paths(root)[0], version=np.array([{}], dtype=object))
    assert load_cache(root) is None


def test_other_version_is_left_aside(root, monkeypatch):
    save_cache(root, make_table('a'))
    monkeypatch.setattr(index_cache, 'CACHE_VERSION', index_cache.CACHE_VERSION + 1)
    assert load_cache(root) is None


def test_compressed_index_is_left_aside(root):
    save_cache(root, make_table('a'))
    path = cache_paths(root)[0]
    with np.load(path) as stored:
        content = dict(stored)
    np.savez_compressed(path, **content, more=np.zeros(1 << 20))
    assert load_cache(root) is None
