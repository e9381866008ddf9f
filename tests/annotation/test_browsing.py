import json

import numpy as np
import pytest

from cpose.annotation.browsing.comparison import (
    ComparedImage,
    compare_dump,
    compare_results,
    sort_worst_first,
)
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.cli.main import main
from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.errors import DataError
from cpose.evaluation.dump import write_dump
from cpose.evaluation.records import EvaluationRecord, PredictedCuboids

from ..user_errors import raises
from .pages import read_page
from .planted import write_file, write_files

META = {
    'category': ('cuboid',),
    'symmetry': ({'type': 'CuboidSymmetry'},),
    'eval_num_symmetry': (1,),
}
TURNED = [0, 2, 6, 4, 8, 1, 5, 3, 7]
"""The points of a cuboid after a quarter turn about its y axis."""


def browse(source, out, *words):
    assert main(['browse', str(source), '--out', str(out), *words]) == 0
    return read_page(out)


def titles_of(page):
    return [text for text in page.texts if text.endswith('.jpg')]


def test_annotations_of_a_folder(tmp_path):
    root = tmp_path / 'data'
    contents = write_files(root, [f'{n}' for n in range(7)])
    contents['3']['objects'][0].update({'class': '<script>x</script>', 'symmetric': True})
    write_file(root, '3', contents['3'], 3)
    (root / '6.jpg').write_bytes(b'none')
    page = browse(root, tmp_path / 'page.html')
    assert titles_of(page) == [f'{n}.jpg' for n in range(7)]
    assert '<script>x</script>' in page.text
    assert 'symmetric true' in page.text
    assert page.tags.count('image') == 6
    assert page.tags.count('line') == 6 * 2 * 12
    few = browse(root, tmp_path / 'page.html', '--num', '3')
    assert titles_of(few) == ['0.jpg', '3.jpg', '6.jpg']


@pytest.mark.parametrize('config', ['quickstart', 'efficientnet_lite0_cuboid'])
def test_what_training_sees(tmp_path, config):
    page = browse(config, tmp_path / 'page.html', '--num', '4')
    assert page.tags.count('image') == 4
    assert 'equal views of each: 4' in page.text
    assert page.tags.count('line') >= 12
    again = tmp_path / 'again.html'
    browse(config, again, '--num', '4')
    assert again.read_bytes() == (tmp_path / 'page.html').read_bytes()


def make_record(name, content, shift=0.0, order=None, scores=(0.9,), num=1):
    """Return a record whose prediction is the annotation, moved to the right by metres."""
    cuboids = parse_annotation(content, name).cuboids
    points, pixels = cuboids.keypoints_gl[:num], cuboids.keypoints_image[:num]
    if order is not None:
        points, pixels = points[:, order], pixels[:, order]
    annotation = parse_annotation(content, name)
    predicted = PredictedCuboids(
        np.array(scores)[:num],
        np.zeros(num, dtype=np.int64),
        cuboids.dims_metric[:num],
        np.add(points, [0.0, shift, 0.0]),
        np.add(pixels, [500 * shift, 0.0]),
    )
    return EvaluationRecord(
        name, np.array(annotation.image_wh), predicted, cuboids, annotation.projection
    )


def write_records(root):
    contents = write_files(root, ['exact', 'turned', 'off', 'missed', 'unsure'])
    records = [
        make_record(str(root / 'exact.jpg'), contents['exact']),
        make_record(str(root / 'turned.jpg'), contents['turned'], order=TURNED),
        make_record(str(root / 'off.jpg'), contents['off'], shift=0.05),
        make_record(str(root / 'missed.jpg'), contents['missed'], num=0),
        make_record(str(root / 'unsure.jpg'), contents['unsure'], scores=(0.1,)),
    ]
    path = root.with_name('dump.json')
    write_dump(path, records, META)
    return path


def test_predictions_of_a_dump_by_their_error(tmp_path):
    dump = write_records(tmp_path / 'data')
    compared = {
        item.name.rpartition('/')[2]: item
        for item in compare_dump(dump, metric_settings()['protocol'])
    }
    assert compared['exact.jpg'].worst == pytest.approx(1)
    assert compared['turned.jpg'].worst == pytest.approx(1)
    assert 0 < compared['off.jpg'].worst < 0.9
    assert compared['missed.jpg'].worst == 0
    assert len(compared['unsure.jpg'].scores) == 0
    page = browse(dump, tmp_path / 'page.html')
    names = [title.rpartition('/')[2] for title in titles_of(page)]
    assert names[:2] == ['missed.jpg', 'off.jpg']
    assert 'objects[0]: 3D IoU 0.00' in page.text
    assert 'is not there' not in page.text
    few = browse(dump, tmp_path / 'page.html', '--num', '1')
    assert len(titles_of(few)) == 1


def test_pictures_of_a_dump_are_found_by_name_or_left_grey(tmp_path):
    dump = write_records(tmp_path / 'data')
    moved = tmp_path / 'moved'
    (tmp_path / 'data').rename(moved)
    assert 'is not there' in browse(dump, tmp_path / 'page.html').text
    found = browse(dump, tmp_path / 'page.html', '--images', str(moved))
    assert 'is not there' not in found.text


def write_results(folder, contents):
    (folder / 'json').mkdir(parents=True)
    (folder / 'json' / RESULTS_MARK).write_text('')
    for name, shift in (('a', 0.0), ('b', 30.0), ('c', None)):
        points = np.array(contents[name]['objects'][0]['projected_cuboid'])
        item = {'score': 0.8, 'keypoints_2d': points[1:].tolist()}
        if shift is not None:
            item['projected_keypoints_2d'] = np.add(points, [shift, 0]).tolist()
        content = {'image_name': f'{name}.jpg', 'objects': [item, {**item, 'score': 0.1}]}
        (folder / 'json' / f'{name}.json').write_text(json.dumps(content))
    other = {'image_name': 'elsewhere.jpg', 'objects': []}
    (folder / 'json' / 'd.json').write_text(json.dumps(other))


def test_results_of_inference(tmp_path):
    root, results = tmp_path / 'data', tmp_path / 'results'
    write_results(results, write_files(root, ['a', 'b', 'c']))
    first, second, third = compare_results(str(results), str(root))
    assert first.worst == third.worst == pytest.approx(1)
    assert 0.3 < second.worst < 0.95
    assert [len(item.scores) for item in (first, second, third)] == [1, 1, 1]
    page = browse(results, tmp_path / 'page.html', '--images', str(root))
    assert titles_of(page)[0] == 'b.jpg'
    assert 'overlap of outlines' in page.text
    write_files(tmp_path / 'others', ['x'])
    with raises(DataError, path=results / 'json'):
        compare_results(str(results), str(tmp_path / 'others'))


def test_images_without_objects_come_by_what_is_predicted():
    empty = np.zeros((0, 9, 2))
    quiet = ComparedImage('quiet', (4, 4), empty, np.zeros(0), empty, np.zeros(0), '')
    false = ComparedImage('false', (4, 4), np.zeros((1, 9, 2)), np.ones(1), empty, np.zeros(0), '')
    assert [item.name for item in sort_worst_first([quiet, false])] == ['false', 'quiet']


def test_wrong_use(tmp_path):
    root, out = tmp_path / 'data', tmp_path / 'page.html'
    contents = write_files(root, ['a', 'b', 'c'])
    write_results(tmp_path / 'results', contents)
    words = ['--out', str(out)]
    for source in ('results', 'nowhere', 'no.json', 'data/a.json'):
        assert main(['browse', str(tmp_path / source), *words]) == 2
    assert not out.exists()
    out.write_text('<p>mine</p>')
    assert main(['browse', str(root), *words]) == 2
    assert main(['browse', str(root), *words, '--force']) == 0
    assert main(['browse', str(root), '--out', str(root / 'a.jpg')]) == 2
