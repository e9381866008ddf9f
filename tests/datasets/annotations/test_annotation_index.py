import json
import os
import zipfile

import numpy as np
import pytest

from cpose.datasets.annotations import annotation_index
from cpose.datasets.annotations.annotation_index import cache_paths, index_folder
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.errors import DataError

from ...user_errors import raises
from ..annotated_files import make_annotation, make_object, write_pair


@pytest.fixture(autouse=True)
def user_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'user_cache'))


def box(depth):
    """Return an object that is recognised by its z extent."""
    return make_object(dims=(1, 1, depth), location_cv=(0, 0, 20))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / 'data'
    for i, stem in enumerate(['b', 'sub/a', 'c']):
        write_pair(folder, stem, make_annotation(*[box(i + 1)] * (i + 1)))
    return folder


@pytest.fixture
def files_read(monkeypatch):
    """Record the names of the annotation files that are read."""
    names = []
    read = annotation_index.read_annotation

    def record(path, convention):
        names.append(os.path.basename(path))
        return read(path, convention)

    monkeypatch.setattr(annotation_index, 'read_annotation', record)
    return names


def index(root, on_error='raise', **options):
    problems = DataProblems(on_error)
    table = index_folder(root, problems, **options)
    problems.report(str(root))
    return table


def depths(table):
    """Return the z extents of the objects of each image, by path."""
    values = np.split(table.objects['dims_metric'][:, 2], table.object_ranges()[1:-1])
    return dict(zip(table.paths.tolist(), [part.tolist() for part in values], strict=True))


EXPECTED = {'b.png': [1], 'c.png': [3, 3, 3], 'sub/a.png': [2, 2]}


def test_sorted_and_complete(root):
    table = index(root)
    assert table.paths.tolist() == sorted(EXPECTED)
    assert depths(table) == EXPECTED


def test_second_start_reads_no_annotation(root, files_read):
    first = index(root)
    assert sorted(files_read) == ['a.json', 'b.json', 'c.json']
    files_read.clear()
    second = index(root)
    assert files_read == []
    assert depths(second) == EXPECTED
    np.testing.assert_array_equal(first.images['key'], second.images['key'])


def test_numbers_out_of_range_are_left_out_with_their_file(root, caplog):
    content = make_annotation()
    content['camera_data']['height'] = 1e300
    write_pair(root, 'd', content)
    write_pair(root, 'e', make_annotation(make_object(symmetric=10**12)))
    write_pair(root, 'f', make_annotation(make_object(**{'class': 'x' * 65})))
    assert depths(index(root, on_error='skip')) == EXPECTED
    with raises(DataError, ': 3.') as error:
        index(root)
    for place in ('d.json: field camera_data.height', 'e.json: field objects[0].symmetric'):
        assert place in str(error.value)
    assert 'f.json: field objects[0].class' in str(error.value)


def test_changed_file_is_read_again(root, files_read):
    index(root)
    files_read.clear()
    write_pair(root, 'c', make_annotation(box(9)))
    assert depths(index(root)) == {**EXPECTED, 'c.png': [9]}
    assert files_read == ['c.json']
    files_read.clear()
    index(root)
    assert files_read == []


def test_same_size_and_other_time_is_read_again(root, files_read):
    index(root)
    path = root / 'b.json'
    size = path.stat().st_size
    path.write_text(path.read_text().replace('[1, 1, 1]', '[1, 1, 7]'))
    assert path.stat().st_size == size
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert depths(index(root))['b.png'] == [7]


def test_new_and_removed_files(root):
    index(root)
    write_pair(root, 'a0', make_annotation(box(5)))
    (root / 'c.json').unlink()
    (root / 'c.png').unlink()
    expected = {'a0.png': [5], 'b.png': [1], 'sub/a.png': [2, 2]}
    assert depths(index(root)) == expected
    assert depths(index(root)) == expected


def test_moved_folder_keeps_its_index(root, files_read):
    index(root)
    files_read.clear()
    moved = root.with_name('moved')
    root.rename(moved)
    assert depths(index(moved)) == EXPECTED
    assert files_read == []


def test_folder_that_cannot_be_written(root, files_read):
    beside, user = cache_paths(root)
    beside.mkdir()
    index(root)
    assert user.is_file()
    files_read.clear()
    assert depths(index(root)) == EXPECTED
    assert files_read == []


def test_unpaired_files_are_refused(root):
    (root / 'b.json').unlink()
    (root / 'c.png').unlink()
    with pytest.raises(DataError) as error:
        index(root)
    assert ': 2.' in str(error.value)
    assert '1 × annotation without an image: c.json' in str(error.value)
    assert '1 × image without an annotation: b.png' in str(error.value)
    assert depths(index(root, 'skip')) == {'sub/a.png': [2, 2]}


def test_invalid_annotations_are_refused_or_left_out(root, files_read):
    content = json.loads((root / 'sub/a.json').read_text())
    del content['objects'][1]['scale']
    (root / 'sub/a.json').write_text(json.dumps(content))
    (root / 'c.json').write_text('{')
    (root / 'b.png').write_bytes(b'')
    with pytest.raises(DataError) as error:
        index(root)
    assert ': 3.' in str(error.value)
    assert 'sub/a.json: field objects[1].scale is missing' in str(error.value)
    assert 'c.json is not valid JSON' in str(error.value)
    assert 'empty image file: b.png' in str(error.value)
    write_pair(root, 'd')
    assert index(root, 'skip').paths.tolist() == ['d.png']


def test_correct_files_are_remembered_when_others_are_refused(root, files_read):
    (root / 'c.json').write_text('{')
    with pytest.raises(DataError):
        index(root)
    files_read.clear()
    with pytest.raises(DataError):
        index(root)
    assert files_read == ['c.json']


def test_annotations_can_be_optional(root):
    (root / 'b.json').unlink()
    table = index(root, require_annotation=False)
    assert dict(zip(table.paths.tolist(), table.images['is_annotated'], strict=True)) == {
        'b.png': False,
        'c.png': True,
        'sub/a.png': True,
    }
    assert depths(table)['b.png'] == []
    with raises(DataError, 'b.png'):
        index(root)


def test_chunks_do_not_matter(root, monkeypatch):
    monkeypatch.setattr(annotation_index, 'CHUNK', 2)
    assert depths(index(root)) == EXPECTED


def spoil_array(name, change):
    """Return a change of an index that leaves an archive with right checksums."""

    def apply(path):
        with np.load(path) as content:
            arrays = {key: content[key] for key in content.files}
        np.savez(path, **{**arrays, name: change(arrays[name])})

    return apply


def spoil_header(path):
    """Write a header that is no literal of Python."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts['images.npy'] = parts['images.npy'].replace(b"'fortran_order'", b"\x99fortran_order'")
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    'spoil',
    [
        spoil_header,
        spoil_array('path_ends', lambda ends: ends[::-1] + 9),
        spoil_array('path_text', lambda text: text.astype(np.float64)),
        spoil_array('images', lambda images: images['key']),
        spoil_array('version', lambda version: np.array('x')),
    ],
)
def test_an_index_that_is_damaged_is_left_aside(root, files_read, spoil):
    index(root)
    count = len(files_read)
    spoil(cache_paths(str(root), None)[0])
    index(root)
    assert len(files_read) == 2 * count > 0
