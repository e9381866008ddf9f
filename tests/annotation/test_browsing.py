import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.annotation.browsing import results_page, training_page
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
    assert 'cuboid, equal views: 4' in page.text
    assert page.tags.count('line') >= 12
    again = tmp_path / 'again.html'
    browse(config, again, '--num', '4')
    assert again.read_bytes() == (tmp_path / 'page.html').read_bytes()


@pytest.fixture
def heats(monkeypatch):
    """The maps that pictures are tinted by."""
    maps = []
    tint = training_page._tinted

    def noted(pixels, heat, color):
        maps.append(heat)
        return tint(pixels, heat, color)

    monkeypatch.setattr(training_page, '_tinted', noted)
    return maps


@pytest.mark.parametrize(('stride', 'side'), [(4, 32), (8, 16)])
def test_heatmaps_are_those_of_the_network(tmp_path, heats, stride, side):
    words = ('--num', '1', '--cfg-options', f'model.neck.out_stride={stride}')
    browse('quickstart', tmp_path / 'page.html', *words)
    assert [heat.shape for heat in heats] == [(side, side)] * 2


def test_networks_of_videos_show_the_labelling_that_is_learnt_and_the_frame_before(tmp_path, heats):
    words = ('--num', '6', '--cfg-options', 'train_dataloader.dataset.input_wh=[128,128]')
    page = browse('efficientnet_lite0_track_cuboid', tmp_path / 'page.html', *words)
    assert page.tags.count('image') == 12
    assert page.text.count('The frame before') == 6
    learnt = page.text.count('cuboid, equal views')
    assert 2 * learnt + page.text.count('cuboid, without targets') == page.tags.count('g')
    targets = [heat for heat in heats if heat.shape == (16, 16)]
    assert len(targets) == 12
    assert sum(int((heat == 1).sum()) for heat in targets[::2]) == learnt


def test_objects_without_targets_are_told(tmp_path):
    """Of an object of which most is outside nothing is learnt; another one stays."""
    root = tmp_path / 'data'
    contents = write_files(root, ['a'])
    (item,) = contents['a']['objects']
    hidden = json.loads(json.dumps(item))
    hidden['projected_cuboid'] = np.add(item['projected_cuboid'], [5000, 0]).tolist()
    contents['a']['objects'].append(hidden)
    write_file(root, 'a', contents['a'], 0)
    words = (f'train_dataloader.dataset.data_root={root}',)
    page = browse('fan_small_bike', tmp_path / 'page.html', '--cfg-options', *words)
    assert 'bike, equal views: 1; bike, without targets' in page.text


def test_categories_and_folders_are_named(tmp_path):
    words = []
    for name in ('cup', 'book'):
        contents = write_files(tmp_path / name, ['same'])
        contents['same']['objects'][0]['class'] = name
        write_file(tmp_path / name, 'same', contents['same'], 0)
    meta = "dict(category=['book','cup'],symmetry=dict(type='NoSymmetry'),eval_num_symmetry=1)"
    folders = [str(tmp_path / name) for name in ('cup', 'book')]
    dataset = 'train_dataloader.dataset'
    words = [f'{dataset}.metainfo={meta}', f'{dataset}.data_root={folders}']
    words += [f'{dataset}.metainfo._delete_=True', 'model.head.num_classes=2']
    page = browse('fan_small_bike', tmp_path / 'page.html', '--cfg-options', *words)
    assert titles_of(page) == ['cup/same.jpg', 'book/same.jpg']
    assert 'cup, equal views: 1' in page.text
    assert 'book, equal views: 1' in page.text


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
        for item in compare_dump(dump, metric_settings()['protocol']).images
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
    compared = compare_results(str(results / 'json'), str(root))
    first, second, third = compared.images
    assert compared.left_out == ['1 of images that are not in the folder']
    assert first.worst == third.worst == pytest.approx(1)
    assert 0.3 < second.worst < 0.95
    assert [len(item.scores) for item in (first, second, third)] == [1, 1, 1]
    page = browse(results, tmp_path / 'page.html', '--images', str(root))
    assert titles_of(page)[0] == 'b.jpg'
    assert 'overlap of outlines' in page.text
    write_files(tmp_path / 'others', ['x'])
    with raises(DataError, path=results / 'json'):
        compare_results(str(results / 'json'), str(tmp_path / 'others'))


def test_images_without_objects_come_by_what_is_predicted():
    empty = np.zeros((0, 9, 2))
    quiet = ComparedImage('quiet', (4, 4), empty, np.zeros(0), empty, np.zeros(0))
    false = ComparedImage('false', (4, 4), np.zeros((1, 9, 2)), np.ones(1), empty, np.zeros(0))
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


def write_result(path, image, content, **fields):
    """Write a result that finds the first object of a file exactly."""
    points = content['objects'][0]['projected_cuboid']
    item = {'score': 0.8, 'projected_keypoints_2d': points, **fields}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({'image_name': image, 'objects': [item]}))


def test_results_of_sub_folders_with_equal_names(tmp_path):
    """As ``cpose infer`` writes them for a folder of scenes, followed as videos."""
    root, results = tmp_path / 'data', tmp_path / 'results'
    contents = write_files(root, ['desk/1', 'floor/1', 'floor/2'])
    for name, content in contents.items():
        write_result(results / 'json' / f'{name}.json', f'{name[-1]}.jpg', content)
    (results / 'json' / RESULTS_MARK).write_text('')
    (results / 'json' / 'floor.tracks.json').write_text('{"video": "floor", "frames": []}')
    page = browse(results, tmp_path / 'page.html', '--images', str(root))
    assert sorted(titles_of(page)) == ['desk/1.jpg', 'floor/1.jpg', 'floor/2.jpg']
    assert page.text.count('overlap of outlines 1.00') == 3
    (tmp_path / 'flat').mkdir()
    (results / 'json' / 'floor' / '1.json').rename(tmp_path / 'flat' / '1.json')
    (results / 'json' / 'floor' / '2.json').rename(tmp_path / 'flat' / '2.json')
    compared = compare_results(str(tmp_path / 'flat'), str(root))
    assert [item.name for item in compared.images] == ['floor/2.jpg']
    assert compared.left_out == ['1 of names that several images have']


def test_results_of_several_classes_count_by_their_own(tmp_path):
    root, results = tmp_path / 'data', tmp_path / 'results'
    contents = write_files(root, ['a', 'b'])
    for name, own, found in (('a', 'cup', 'cup'), ('b', 'cup', 'book')):
        contents[name]['objects'][0]['class'] = own
        write_file(root, name, contents[name], 0)
        write_result(results / f'{name}.json', f'{name}.jpg', contents[name], **{'class': found})
    first, second = compare_results(str(results), str(root)).images
    assert (first.worst, second.worst) == (pytest.approx(1), 0)
    (results / RESULTS_MARK).write_text('')
    page = browse(results, tmp_path / 'page.html', '--images', str(root))
    assert 'objects[0] (cup): overlap of outlines 0.00' in page.text
    assert 'predicted with scores 0.80 (book)' in page.text


def test_results_beside_annotations_of_a_convention(tmp_path):
    root, results = tmp_path / 'data', tmp_path / 'results'
    contents = write_files(root, ['a'])
    write_result(results / 'a.json', 'a.jpg', contents['a'])
    (results / RESULTS_MARK).write_text('')
    width, height = contents['a']['camera_data']['width'], contents['a']['camera_data']['height']
    for item in contents['a']['objects']:
        points = np.array(item['projected_cuboid']) / [width, height]
        item['projected_cuboid'] = points.tolist()
    write_file(root, 'a', contents['a'], 0)
    words = ('--images', str(root), '--convention', 'projected_cuboid=normalised')
    page = browse(results, tmp_path / 'page.html', *words)
    assert 'overlap of outlines 1.00' in page.text


def test_moved_pictures_of_equal_names_are_found_by_their_folders(tmp_path):
    root, moved = tmp_path / 'data', tmp_path / 'moved'
    contents = write_files(root, ['desk/1', 'floor/1'])
    records = [make_record(str(root / f'{n}.jpg'), content) for n, content in contents.items()]
    write_dump(tmp_path / 'dump.json', records, META)
    root.rename(moved)
    write_files(moved, ['1'], first_seed=7)
    (found,) = {
        results_page._find_picture(item, str(moved))[0].tobytes()
        for item in compare_dump(tmp_path / 'dump.json', metric_settings()['protocol']).images
        if 'floor' in item.name
    }
    assert found == cv2.imread(str(moved / 'floor' / '1.jpg')).tobytes()


def test_arguments_without_effect_and_folders_without_annotation_are_refused(tmp_path, capsys):
    root, out = tmp_path / 'data', tmp_path / 'page.html'
    contents = write_files(root, ['a'])
    dump = tmp_path / 'dump.json'
    write_dump(dump, [make_record(str(root / 'a.jpg'), contents['a'])], META)
    for source, *words in (
        (root, '--images', str(root)),
        (root, '--cfg-options', 'a=1'),
        (dump, '--cfg-options', 'a=1'),
        (dump, '--convention', 'pose=opencv'),
        ('quickstart', '--images', str(root)),
    ):
        assert main(['browse', str(source), '--out', str(out), *words]) == 2
        assert f'{words[0]} has no effect here' in capsys.readouterr().err
    (root / 'a.json').unlink()
    assert main(['browse', str(root), '--out', str(out)]) == 2
    assert 'none of which has a JSON file' in capsys.readouterr().err


def test_errors_of_a_config_name_its_key(tmp_path, capsys):
    assert main(['browse', 'dla34_cup', '--out', str(tmp_path / 'page.html')]) == 2
    assert 'train_dataloader.dataset.data_root' in capsys.readouterr().err


def test_categories_of_a_dump_are_named(tmp_path):
    contents = write_files(tmp_path / 'data', ['a'])
    record = make_record(str(tmp_path / 'data' / 'a.jpg'), contents['a'])
    taken_for = replace(record.predictions, labels=np.array([1]))
    meta = {
        'category': ('cup', 'book'),
        'symmetry': ({'type': 'NoSymmetry'},) * 2,
        'eval_num_symmetry': (1, 1),
    }
    write_dump(tmp_path / 'dump.json', [replace(record, predictions=taken_for)], meta)
    page = browse(tmp_path / 'dump.json', tmp_path / 'page.html')
    assert 'objects[0] (cup): 3D IoU 0.00' in page.text
    assert 'predicted with scores 0.90 (book)' in page.text
