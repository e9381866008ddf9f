import os

import pytest

from cpose.cli.main import main
from cpose.datasets.annotations.file_index import RESULTS_MARK, scan_folder
from cpose.errors import DataError
from cpose.files.outputs import LOCK_NAME, folder_held

from ...annotation.planted import write_files
from ...user_errors import raises
from ..annotated_files import write_pair


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')


def test_extensions_in_any_case(tmp_path):
    names = ['a.jpg', 'b.JPEG', 'c.Png', 'd.bmp', 'e.PNG']
    touch(tmp_path, *names, 'f.gif', 'g.txt', 'png', 'h.png.txt')
    assert [image.path for image in scan_folder(tmp_path).images] == names


def test_folders_beside_sub_folders_are_read_in_order(tmp_path):
    for stem in ('b', 'sub/a', 'sub/deep/er/z', 'a'):
        write_pair(tmp_path, stem)
    found = scan_folder(tmp_path)
    assert [image.path for image in found.images] == [
        'a.png',
        'b.png',
        'sub/a.png',
        'sub/deep/er/z.png',
    ]
    assert [image.annotation_path for image in found.images] == [
        'a.json',
        'b.json',
        'sub/a.json',
        'sub/deep/er/z.json',
    ]


def test_extension_in_a_folder_name_is_left_alone(tmp_path):
    write_pair(tmp_path / 'png_set.png', 'a')
    (image,) = scan_folder(tmp_path).images
    assert image.annotation_path == os.path.join('png_set.png', 'a.json')


def test_stems_with_dots(tmp_path):
    touch(tmp_path, 'cup.v1.png', 'cup.v1.json', 'cup.json')
    found = scan_folder(tmp_path)
    assert found.images[0].annotation_path == 'cup.v1.json'
    assert found.lonely_annotations == ['cup.json']


def test_unpaired_files(tmp_path):
    touch(tmp_path, 'a.png', 'sub/a.json', 'b.png', 'b.JSON')
    found = scan_folder(tmp_path)
    assert [(i.path, i.annotation_path) for i in found.images] == [
        ('a.png', None),
        ('b.png', 'b.JSON'),
    ]
    assert found.lonely_annotations == [os.path.join('sub', 'a.json')]


def test_key_follows_size_and_time(tmp_path):
    path = write_pair(tmp_path, 'a')
    image = tmp_path / 'a.png'
    (found,) = scan_folder(tmp_path).images
    image_status, status = image.stat(), path.stat()
    assert found.key == (
        image_status.st_size,
        image_status.st_mtime_ns,
        status.st_size,
        status.st_mtime_ns,
    )
    path.unlink()
    (found,) = scan_folder(tmp_path).images
    assert found.key[2:] == (-1, -1)


def test_hidden_files_are_left_out(tmp_path):
    touch(tmp_path, 'a.png', '._a.png', '.thumbnails/b.png')
    assert [image.path for image in scan_folder(tmp_path).images] == ['a.png']


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    data, other = tmp_path / 'data', tmp_path / 'other'
    touch(data, 'a.png')
    touch(other, 'b.png')
    (data / 'link').symlink_to(other)
    (data / 'circle').symlink_to(data)
    assert [image.path for image in scan_folder(data).images] == ['a.png', 'link/b.png']


def test_empty_folder(tmp_path):
    touch(tmp_path, 'train.tar.gz')
    with raises(DataError, argument='data_root'):
        scan_folder(tmp_path)


def test_no_such_folder(tmp_path):
    with raises(DataError, argument='data_root'):
        scan_folder(tmp_path / 'none')


def test_results_in_sub_folders_are_left_out(tmp_path):
    for name in ('a.png', 'results/vis/a.png', 'results/json/a.json'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
    for name in ('vis', 'json'):
        (tmp_path / 'results' / name / RESULTS_MARK).touch()
    found = scan_folder(tmp_path)
    assert ([image.path for image in found.images], found.lonely_annotations) == (['a.png'], [])


def test_reports_in_the_folder_of_the_pictures_are_no_annotations(tmp_path, capsys):
    write_files(tmp_path, ['a', 'b', 'c'])
    report = tmp_path / 'report.json'
    for _ in range(2):
        assert main(['check-data', str(tmp_path), '--json', str(report)]) == 0
    (tmp_path / 'lonely.json').write_text('{"objects": []}')
    (tmp_path / 'empty.json').touch()
    assert scan_folder(tmp_path).lonely_annotations == ['empty.json', 'lonely.json']


def test_what_a_training_writes_is_no_data(tmp_path):
    for name in ('a.png', 'work/vis_data/scalars.json', 'work/preview.png', 'photos/b.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
    (tmp_path / 'photos' / LOCK_NAME).write_bytes(b'of another program')
    with folder_held(tmp_path / 'work'):
        pass
    found = scan_folder(tmp_path)
    paths = [image.path for image in found.images]
    assert (paths, found.lonely_annotations) == (['a.png', 'photos/b.png'], [])


@pytest.mark.parametrize('ending', ['webp', 'tif', 'TIFF'])
def test_pictures_of_further_formats(tmp_path, ending):
    for name in (f'a.{ending}', 'a.json'):
        (tmp_path / name).write_bytes(b'x')
    found = scan_folder(tmp_path)
    assert [image.annotation_path for image in found.images] == ['a.json']


def test_formats_that_are_not_read_are_told(tmp_path):
    touch(tmp_path, 'a.json', 'a.HEIC', 'b.json', 'b.png', 'b.dng', 'c.json')
    found = scan_folder(tmp_path)
    assert found.lonely_annotations == ['a.json', 'c.json']
    assert found.unread == {'a.json': 'a.HEIC'}
