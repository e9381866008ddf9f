import html
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from cpose.cli.main import main
from cpose.datasets.annotations.file_index import scan_folder

from ..pages import read_page
from ..planted import write_file, write_files

SHARED_DATA = os.environ.get('CPOSE_SHARED_DATA', Path(__file__).parents[4] / 'shared' / 'data')
REAL_BOXES = Path(SHARED_DATA, 'real_boxes')
HOSTILE = '<img src=x onerror=alert(1)>"\'&\udcff'
FIELD = '</td><script>alert(2)</script>'


def write_hostile(root):
    contents = write_files(root, ['a', 'b', 'c'])
    contents['a']['objects'][0]['scale'] = FIELD
    write_file(root, HOSTILE, contents['a'], 7)
    contents['b']['objects'][0].update({'class': FIELD, 'symmetric': 12})
    write_file(root, 'b', contents['b'], 1)


def test_nothing_of_a_file_becomes_markup(tmp_path, capsys):
    root, page = tmp_path / FIELD.replace('/', '_'), tmp_path / 'report.html'
    write_hostile(root)
    assert main(['check-data', str(root), '--html', str(page)]) == 1
    assert "'</td><script>" in capsys.readouterr().out.replace('\n', '')
    reader = read_page(page)
    assert 'image' in reader.tags
    assert '<img src=x onerror=alert(1)>' in reader.text
    assert FIELD in reader.text


def test_page_shows_findings_and_pictures(tmp_path):
    root, page = tmp_path / 'data', tmp_path / 'report.html'
    contents = write_files(root)
    (root / '002.json').unlink()
    contents['004']['objects'][0]['location'] = [9.0, 9.0, -9.0]
    contents['005']['objects'][0]['projected_cuboid'][3][0] += 60
    for name in ('004', '005'):
        write_file(root, name, contents[name], int(name))
    assert main(['check-data', str(root), '--html', str(page)]) == 1
    text = html.unescape(re.sub(r'<[^>]+>', '\n', page.read_text(encoding='utf-8')))
    for words in ('image has no annotation', '005.jpg, objects[0]', 'Distance from the camera'):
        assert words in text
    reader = read_page(page)
    assert {'svg', 'line', 'rect'} <= set(reader.tags)
    assert not page.read_text(encoding='utf-8').count('http')


def test_results_are_written_again_but_nothing_of_others(tmp_path):
    root, page, report = tmp_path / 'data', tmp_path / 'report.html', tmp_path / 'report.json'
    write_files(root)
    words = ['check-data', str(root), '--html', str(page), '--json', str(report)]
    assert [main(words), main(words)] == [0, 0]
    content = json.loads(report.read_text())
    assert content['severities'] == {'error': 0, 'warning': 0, 'note': 0}
    assert (content['num_files'], content['num_objects']) == (8, 8)
    page.write_text('<p>mine</p>')
    assert main(words) == 2
    assert page.read_text() == '<p>mine</p>'
    assert main(['check-data', str(root), '--json', str(root / '000.json')]) == 2


@pytest.mark.slow
def test_many_files_of_one_kind_are_counted(tmp_path):
    write_files(tmp_path / 'data')
    for number in range(250):
        shutil.copy(tmp_path / 'data' / '001.jpg', tmp_path / 'data' / f'x{number:03d}.jpg')
    page = tmp_path / 'report.html'
    assert main(['check-data', str(tmp_path / 'data'), '--html', str(page)]) == 1
    assert 'and 50 more' in page.read_text(encoding='utf-8')


@pytest.mark.skipif(not REAL_BOXES.is_dir(), reason='needs annotated photographs')
def test_real_boxes_pass(tmp_path, capsys):
    root, report = tmp_path / 'real_boxes', tmp_path / 'report.json'
    shutil.copytree(REAL_BOXES, root, ignore=shutil.ignore_patterns('.*'))
    assert main(['check-data', str(root), '--json', str(report)]) == 0
    content = json.loads(report.read_text())
    assert content['severities'] == {'error': 0, 'warning': 0, 'note': 0}
    assert content['num_files'] == len(scan_folder(os.fspath(root)).images) == 5
    spread = content['reprojection_px']
    assert [round(spread[name], 2) for name in ('50', '95', '100')] == [2.16, 2.69, 2.75]
    assert '2.16 px in the median' in capsys.readouterr().out


def test_findings_are_printed_for_programs(tmp_path, capsys, monkeypatch):
    """A dash is the standard output, with nothing else in it, and no name of a file."""
    root = tmp_path / 'data'
    contents = write_files(root)
    monkeypatch.chdir(tmp_path)
    assert main(['check-data', str(root), '--json', '-']) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)['num_files'] == len(contents)
    assert f'{len(contents)} files' in printed.err
    assert main(['check-data', str(root), '--html', '-']) == 2
    assert '/dev/stdout' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_pictures_without_objects_have_no_numbers_of_corners(tmp_path):
    root, page = tmp_path / 'data', tmp_path / 'report.html'
    for name, content in write_files(root, ['a', 'b']).items():
        write_file(root, name, {**content, 'objects': []}, ord(name))
    assert main(['check-data', str(root), '--html', str(page)]) == 0
    assert 'nan' not in read_page(page).text


def test_folders_are_called_as_they_were_given(tmp_path, capsys):
    for words in (
        ['check-data', 'none'],
        ['split', 'none', '--by', 'scene', '--out', str(tmp_path / 'parts')],
    ):
        assert main([words[0], str(tmp_path / 'none'), *words[2:]]) == 2
        assert f'DIR {tmp_path / "none"} is not a folder' in capsys.readouterr().err
