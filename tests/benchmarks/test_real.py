"""The benchmark on photographs, on synthetic pictures and, where they are, on the real ones."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cpose.apis.training import evaluate
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

from ..apis.inference_scenes import box_config, write_box_model

REPOSITORY = Path(__file__).parents[2]
NUM_PICTURES = 4


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder of pictures with one box each, numbered from 0."""
    target = tmp_path_factory.mktemp('pictures')
    dataset = SyntheticCuboidDataset(NUM_PICTURES, image_wh=(160, 128), objects=(1, 1), seed=3)
    for number in range(NUM_PICTURES):
        write_record(dataset.load_record(number), target, f'frame_{number:02d}', ('box',))
    return target


@pytest.fixture
def photographs(folder):
    from benchmarks.real.sets import RealSet, read_set

    return read_set(RealSet('own', str(folder)), folder.parent)


class StandIn:
    """Finds what is annotated, changed by a function."""

    postprocessor = SimpleNamespace(infer_score_thr=0.3)

    def __init__(self, photographs, change):
        from benchmarks.real.scoring import annotated_result

        self.results = {str(p.path): change(annotated_result(p)) for p in photographs}

    def __call__(self, paths, score_thr):
        for path in paths:
            poses = [pose for pose in self.results[path].poses if pose.score > score_thr]
            yield replace(self.results[path], poses=poses)


def score(photographs, change):
    from benchmarks.real.scoring import score_set

    return score_set(StandIn(photographs, change), photographs)[0]


def change_poses(**changes):
    def change(result):
        poses = [replace(pose, **{k: f(pose) for k, f in changes.items()}) for pose in result.poses]
        return replace(result, poses=poses)

    return change


def test_known_predictions_give_known_numbers(photographs):
    exact = score(photographs, lambda result: result)
    assert exact['num_images'] == exact['num_objects'] == NUM_PICTURES
    assert exact['AP50_3DIoU'] == exact['AP50_scale_free'] == exact['recall'] == 1
    assert exact['mean_3DIoU'] == pytest.approx(1, abs=1e-6)
    assert exact['mean_IoU_scale_free'] == pytest.approx(1, abs=1e-5)
    assert exact['MPE_2D_px'] == pytest.approx(0, abs=1e-3)
    assert exact['false_positives'] == 0

    weak = score(photographs, change_poses(score=lambda pose: 0.2))
    assert weak['AP50_3DIoU'] == 1
    assert weak['recall'] == 0

    shifted = score(
        photographs, change_poses(keypoints_image=lambda pose: pose.keypoints_image + 3)
    )
    assert shifted['MPE_2D_px'] == pytest.approx(3 * np.sqrt(2), abs=0.01)


def test_double_predictions_are_false_positives(photographs):
    def twice(result):
        return replace(result, poses=[pose for pose in result.poses for _ in range(2)])

    assert score(photographs, twice)['false_positives'] == 1
    assert score(photographs, lambda result: replace(result, poses=[]))['recall'] == 0


def test_odd_and_even_frames(folder):
    from benchmarks.real.sets import RealSet, choose_sets, frame_number, read_set

    names = {}
    for parity in (0, 1, None):
        found = read_set(RealSet('own', folder.name, parity), folder.parent)
        names[parity] = [item.path.stem for item in found]
    assert names[1] == ['frame_01', 'frame_03']
    assert sorted(names[0] + names[1]) == names[None]
    assert frame_number(Path('cookies_0405.jpg')) == 405
    judged, adapted = choose_sets(['cabinet', 'cabinet_even'])
    assert (judged.parity, adapted.parity) == (1, 0)
    assert 'cabinet_even' not in {item.name for item in choose_sets(None)}


def test_mean_of_sets(photographs):
    from benchmarks.real.scoring import average_sets
    from benchmarks.real.sets import RealSet

    numbers = score(photographs, lambda result: result)
    scores = {
        'first': {**numbers, 'recall': 1.0, 'false_positives': 0.5, 'mean_3DIoU': float('nan')},
        'second': {**numbers, 'recall': 0.5, 'false_positives': 3.0, 'mean_3DIoU': 0.4},
    }
    sets = [RealSet('first', ''), RealSet('second', '', is_complete=False)]
    mean = average_sets(scores, sets)
    assert mean['num_images'] == 2 * NUM_PICTURES
    assert mean['recall'] == 0.75
    assert mean['false_positives'] == 0.5
    assert mean['mean_3DIoU'] == 0.4


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_box_model(tmp_path_factory.mktemp('model') / 'tiny.pth')


def run(*words):
    from benchmarks.real.__main__ import main

    return main([str(word) for word in words])


@pytest.mark.slow
def test_the_command_measures_as_the_command_test(
    folder, checkpoint, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    written, page, sheets = tmp_path / 'figures.json', tmp_path / 'page.md', tmp_path / 'sheets'
    options = ['--threads', 1, '--timed', 2, '--scales', 1, '--json', written, '--markdown', page]
    models = ['--model', checkpoint, '--model', checkpoint, '-']
    assert run(*models, '--sets', folder, '--pictures', sheets, *options) == 0
    stored = json.loads(written.read_text())
    first, second = stored['models']
    assert first['sets'] == second['sets']
    assert first['ms']['1'] > 0
    numbers = first['sets'][folder.name]
    assert numbers['num_objects'] == NUM_PICTURES
    assert stored['sets'][0]['ceiling']['AP50_3DIoU'] == 1

    report = evaluate(box_config(), checkpoint, folder, work_dir=tmp_path / 'test')
    for name in ('AP50_3DIoU', 'mean_3DIoU', 'MPE_2D_px'):
        assert numbers[name] == pytest.approx(report[name], rel=1e-4), name
    assert math.isfinite(report['mean_3DIoU'])

    text = page.read_text()
    assert f'| {folder.name} | {NUM_PICTURES} | {NUM_PICTURES} |' in text
    assert '## Models' in text
    sheet = cv2.imread(str(next(sheets.glob('*.jpg'))))
    assert sheet.shape[1] == NUM_PICTURES * 480
    assert 'mean of sets' in capsys.readouterr().out
    assert run('--from-json', written, '--markdown', tmp_path / 'again.md') == 0
    assert (tmp_path / 'again.md').read_text() == text


def test_errors_of_the_user(tmp_path, capsys):
    assert run('--model', 'model.onnx', '--data', tmp_path) == 2
    assert 'holds none of the sets' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run()
    assert '--from-json' in capsys.readouterr().err


@pytest.mark.slow
def test_annotations_of_the_real_sets():
    from benchmarks.real.scoring import score_annotations
    from benchmarks.real.sets import KNOWN_SETS, default_data_folder, read_set

    folder = default_data_folder()
    found = {item.name: read_set(item, folder) for item in KNOWN_SETS}
    if not all(found.values()):
        pytest.skip('needs annotated photographs; CPOSE_SHARED_DATA names their folder')
    assert [len(pictures) for pictures in found.values()] == [5, 29, 51, 11, 2]
    for name, pictures in found.items():
        numbers = score_annotations(pictures)
        assert numbers['mean_IoU_scale_free'] == pytest.approx(1, abs=1e-5), name
        assert numbers['MPE_2D_px'] < 1.6, name
        assert numbers['false_positives'] == 0, name
        assert numbers['AP50_3DIoU'] == 1 or name == 'ycb_boxes'
