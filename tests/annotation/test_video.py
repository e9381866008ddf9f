import json
import shutil

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from cpose.annotation.server.app import AnnotationApp
from cpose.annotation.video.camera_motion.board_motion import find_motion
from cpose.annotation.video.preparing import VideoSettings, prepare_video, write_boxes
from cpose.annotation.video.video_editor import VideoEditor
from cpose.annotation.video.video_folder import VideoFolder
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.image_sources import SourceImage
from cpose.cli.main import main
from cpose.datasets.annotations.annotation import read_annotation
from cpose.errors import ConfigError, DataError, OutputError
from cpose.metric_scale.boards import Board
from cpose.structures.object_pose import VideoFrame

from ..user_errors import raises
from .rendered_video import (
    BOARD,
    DIMS,
    INTRINSICS,
    Shot,
    draw_shot,
    errors_px,
    walk_around,
    write_video,
)

COUNT = 30
SHOTS = walk_around(COUNT)
BLURRED = (8, 21)
CAMERA = ('--camera', '640', '640', '404', '297')


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp('video') / 'walk.mp4', SHOTS, BLURRED)


@pytest.fixture(scope='module')
def prepared(video):
    return prepare_video(str(video), None, VideoSettings(BOARD, INTRINSICS))


@pytest.fixture
def folder(prepared, tmp_path):
    """Frames that nothing was said of yet."""
    shutil.copytree(prepared.root, tmp_path / 'walk')
    return VideoFolder(tmp_path / 'walk')


def box_file(path, frames, **fields):
    boxes = [{'category': 'carton', 'frames': frames, **fields}]
    path.write_text(json.dumps({'boxes': boxes}))
    return path


@pytest.mark.slow
def test_one_box_labels_every_frame(video, tmp_path, capfd):
    """The bar of the project is a median of 1.5 px at 800×600."""
    clicks = {'4': SHOTS[4].clicks(noise=0.5)}
    box = box_file(tmp_path / 'box.json', clicks)
    out = tmp_path / 'out'
    words = ['annotate', str(video), '--out', str(out), *CAMERA, '--box', str(box)]
    assert main(words) == 0
    assert f'{COUNT - len(BLURRED)} frames' in capfd.readouterr().out
    errors = errors_px(out, SHOTS)
    assert len(errors) == COUNT - len(BLURRED)
    assert np.median(errors) < 0.7
    assert errors.max() < 2.5
    annotation = read_annotation(out / '000004.json')
    np.testing.assert_allclose(annotation.cuboids.dims_metric[0], DIMS, rtol=0.02)
    point, normal = annotation.cuboids.plane_gl
    base = annotation.cuboids.keypoints_gl[0, 1:][[0, 1, 4, 5]]
    np.testing.assert_allclose((base - point) @ normal, 0, atol=0.004)
    report = (out / 'frames.csv').read_text().splitlines()
    assert [line.split(',')[:3] for line in report if ',no,' in line] == [
        [str(number), 'no', 'blurred'] for number in BLURRED
    ]
    assert cv2.imread(str(out / '000004.jpg')).shape == (600, 800, 3)
    assert not (out / '000008.jpg').exists()


@pytest.mark.slow
def test_the_camera_is_determined_from_the_video(video, tmp_path):
    with pytest.warns(UserWarning, match='too alike'):
        folder = prepare_video(str(video), tmp_path / 'out', VideoSettings(BOARD))
    assert folder.motion.intrinsics_source == 'board'
    write_boxes(folder, box_file(tmp_path / 'box.json', {'4': SHOTS[4].clicks()}))
    assert np.median(errors_px(tmp_path / 'out', SHOTS)) < 1.5


@pytest.mark.slow
def test_corrections_in_other_frames_are_solved_jointly(folder, tmp_path):
    """Clicks off by two pixels in one frame are mended by a few in others."""
    rough = {'4': SHOTS[4].clicks([1, 4, 5, 7], noise=2.0, seed=3)}
    write_boxes(folder, box_file(tmp_path / 'box.json', rough))
    before = errors_px(folder.root, SHOTS)
    better = {'16': SHOTS[16].clicks([1, 2, 5, 7]), '28': SHOTS[28].clicks([1, 2, 5, 7])}
    write_boxes(folder, box_file(tmp_path / 'box.json', {**rough, **better}))
    after = errors_px(folder.root, SHOTS)
    assert np.median(after) < 0.5 * np.median(before)


def test_frames_are_thinned_to_the_sharpest(video, tmp_path):
    settings = VideoSettings(BOARD, INTRINSICS, every=10)
    folder = prepare_video(str(video), tmp_path / 'out', settings)
    numbers = [frame.number for frame in folder.motion.frames]
    assert [number // 10 for number in numbers] == [0, 1, 2]
    assert not set(numbers) & set(BLURRED)


class Page:
    """What the page sends."""

    def __init__(self, folder):
        self.editor = VideoEditor(folder)
        self.client = TestClient(AnnotationApp(self.editor, ('carton',)).build())
        self.ids = {item['path'][:6]: item['id'] for item in self.list()['pictures']}

    def list(self):
        return self.client.get('/api/pictures').json()

    def read(self, number):
        return self.client.get(f'/api/pictures/{self.ids[f"{number:06d}"]}').json()

    def write(self, number, **changes):
        document = self.read(number)
        sent = {name: document[name] for name in ('revision', 'camera', 'objects')}
        address = f'/api/pictures/{self.ids[f"{number:06d}"]}'
        return self.client.put(address, json={**sent, **changes})

    def state(self, number):
        self.editor.settle()
        (found,) = (item for item in self.list()['pictures'] if item['path'][:6] == f'{number:06d}')
        return found


def clicked(number, numbers=None, **changes):
    corners = SHOTS[number].clicks(numbers)
    return {'id': 'b1', 'category': 'carton', 'corners': corners, 'upright': True, **changes}


def test_the_page_shows_the_box_in_all_frames(folder):
    page = Page(folder)
    assert page.list()['is_video']
    answer = page.write(4, objects=[clicked(4)]).json()
    assert answer['objects'][0]['soft'] == [False] * 8
    shown = page.read(20)['objects'][0]
    assert shown['soft'] == [True] * 8
    np.testing.assert_allclose(shown['corners'], SHOTS[20].corners, atol=2)
    page.editor.settle()
    assert len(list(folder.root.glob('*.json'))) == COUNT - len(BLURRED)
    assert page.state(20)['objects'] == 1


def test_a_corner_that_is_dragged_elsewhere_moves_the_one_box(folder):
    page = Page(folder)
    page.write(4, objects=[clicked(4, [1, 5, 4, 7])])
    shown = page.read(20)['objects'][0]
    corners, soft = [list(point) for point in shown['corners']], list(shown['soft'])
    corners[3], soft[3] = SHOTS[20].corners[3].tolist(), False
    page.write(20, objects=[{**shown, 'corners': corners, 'soft': soft}])
    page.editor.settle()
    said = json.loads((folder.store / 'boxes.json').read_text())['boxes'][0]
    assert {
        key: sum(point is not None for point in row) for key, row in said['frames'].items()
    } == {
        '4': 4,
        '20': 1,
    }
    assert np.median(errors_px(folder.root, SHOTS)) < 0.7


def test_boxes_are_turned_removed_and_brought_back(folder):
    page = Page(folder)
    before = page.write(4, objects=[clicked(4, symmetric=4)]).json()['objects']
    shown = page.read(20)['objects'][0]
    order = [1, 5, 3, 7, 0, 4, 2, 6]
    turned = {
        **shown,
        'corners': [shown['corners'][k] for k in order],
        'soft': [shown['soft'][k] for k in order],
    }
    dims = page.write(20, objects=[turned]).json()['objects'][0]['solution']['dims']
    np.testing.assert_allclose(dims, np.array(before[0]['solution']['dims'])[[2, 1, 0]], rtol=0.01)
    page.write(20, objects=[shown])
    page.write(20, objects=[])
    page.editor.settle()
    assert not list(folder.root.glob('*.json'))
    assert not list(folder.root.glob('*.jpg'))
    again = page.write(20, objects=[shown]).json()['objects']
    np.testing.assert_allclose(again[0]['solution']['dims'], before[0]['solution']['dims'])


def test_a_frame_is_left_out_by_hand(folder):
    page = Page(folder)
    page.write(4, objects=[clicked(4)])
    page.write(12, objects=[], is_empty=True)
    assert page.state(12)['note'] == 'left out: left out by hand'
    assert page.read(12)['objects'] == []
    assert not (folder.root / '000012.json').exists()
    assert '12,no,left out by hand' in (folder.root / 'frames.csv').read_text()
    page.write(12, objects=[], is_empty=False)
    page.editor.settle()
    assert (folder.root / '000012.json').exists()


def test_a_stale_tab_changes_nothing(folder):
    first, second = Page(folder), Page(folder)
    old = second.read(4)
    assert first.write(4, objects=[clicked(4)]).status_code == 200
    assert second.write(4, revision=old['revision'], objects=[]).status_code == 409
    assert len(second.read(4)['objects']) == 1


def test_what_was_said_outlasts_a_kill(folder):
    page = Page(folder)
    page.write(4, objects=[clicked(4)])
    page.editor.settle()
    for path in folder.root.glob('*.jp*g'):
        path.unlink()
    (folder.root / '000004.json').unlink()
    VideoEditor(VideoFolder(folder.root)).settle()
    assert len(errors_px(folder.root, SHOTS)) == COUNT - len(BLURRED)
    assert (folder.root / '000004.jpg').is_file()


def test_the_box_follows_while_a_corner_moves(folder):
    page = Page(folder)
    page.write(4, objects=[clicked(4)])
    shown = page.read(20)['objects'][0]
    address = f'/api/pictures/{page.ids["000020"]}/solve'
    sent = {'box': shown, 'start': shown['solution']['state']}
    solution = page.client.post(address, json=sent).json()['solution']
    np.testing.assert_allclose(solution['keypoints'], shown['solution']['keypoints'], atol=0.05)


def test_videos_that_cannot_be_used(video, prepared, tmp_path):
    settings = VideoSettings(BOARD, INTRINSICS)
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video')
    with raises(DataError, path=broken):
        prepare_video(str(broken), None, settings)
    with raises(DataError, path=tmp_path / 'missing.mp4'):
        prepare_video(str(tmp_path / 'missing.mp4'), None, settings)
    with raises(ConfigError, argument='folder'):
        prepare_video('webcam:0', None, settings)
    plain = write_video(tmp_path / 'plain.mp4', SHOTS[:6], has_board=False)
    with raises(DataError, path=plain):
        prepare_video(str(plain), None, settings)
    assert not (tmp_path / 'plain').exists()
    with raises(ConfigError, argument='kind'):
        board = type(BOARD)('chessboard', (7, 5))
        prepare_video(str(video), tmp_path / 'out', VideoSettings(board, INTRINSICS))
    with raises(OutputError, argument='out'):
        prepare_video(str(video), None, VideoSettings(BOARD, INTRINSICS, every=2))
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'a.txt').write_text('')
    with raises(OutputError, argument='out'):
        prepare_video(str(video), tmp_path / 'full', settings)


def images_of(shots, **options):
    frames = (VideoFrame('a', number, number / 25, 25) for number in range(len(shots)))
    for shot, frame in zip(shots, frames, strict=True):
        yield SourceImage(str(frame.number), 'a', draw_shot(shot, **options), frame)


def test_a_board_that_is_far_away_is_not_trusted():
    matrix = SHOTS[0].cv_from_world.copy()
    matrix[2, 3] *= 1.6
    far = Shot(matrix, SHOTS[0].world_from_object)
    motion, notes = find_motion(images_of([*SHOTS[:3], far]), BOARD, Camera(INTRINSICS), 'a')
    assert [note.reason for note in notes] == ['', '', '', 'board is seen too small']
    assert len(motion.frames) == 3


def test_a_board_of_markers_tells_the_motion(monkeypatch):
    board = Board('aruco', (7, 5), 30.0, 22.0)
    monkeypatch.setattr('tests.annotation.rendered_video.BOARD', board)
    motion, _ = find_motion(images_of(SHOTS[:3]), board, Camera(INTRINSICS), 'a')
    for frame, shot in zip(motion.frames, SHOTS, strict=False):
        points_cv = Shot(frame.cv_from_world, shot.world_from_object)
        assert np.abs(points_cv.corners - shot.corners).max() < 1.5


@pytest.mark.parametrize(
    ('content', 'field'),
    [
        ({}, 'boxes'),
        ({'boxes': [{'category': 'a'}]}, 'boxes[0].frames'),
        ({'boxes': [{'category': 'a', 'frames': {'8': [None] * 8}}]}, 'boxes[0].frames.8'),
        ({'boxes': [{'category': 'a', 'frames': {'4': [None] * 7}}]}, 'boxes[0].corners'),
        ({'boxes': [{'frames': {}}]}, 'boxes[0].category'),
    ],
)
def test_wrong_box_files(folder, tmp_path, content, field):
    path = tmp_path / 'box.json'
    path.write_text(json.dumps(content))
    with raises(DataError, path=path, field=field):
        write_boxes(folder, path)
    assert not (folder.store / 'boxes.json').exists()


def test_a_box_without_four_corners_in_any_frame_is_refused(folder, tmp_path):
    path = box_file(tmp_path / 'box.json', {'4': SHOTS[4].clicks([1, 5])})
    with raises(DataError, path=path):
        write_boxes(folder, path)


def test_options_of_videos_are_refused_for_pictures(tmp_path, capfd):
    cv2.imwrite(str(tmp_path / 'a.png'), draw_shot(SHOTS[0])[:48, :64])
    assert main(['annotate', str(tmp_path), '--box', 'a.json']) == 2
    assert '--box' in capfd.readouterr().err


ODD_MOTIONS = [
    *((('frames', 1, 'name'), name) for name in ('../../a', '/tmp/a', '.', 'b/c', '', 3)),
    (('frames', 1, 'distortion'), 3),
    (('image_wh',), [1e300, 5]),
    (('made_of',), [1]),
]


@pytest.mark.parametrize(('keys', 'value'), ODD_MOTIONS)
def test_a_folder_of_others_names_no_file_outside(folder, keys, value):
    path = folder.store / 'video.json'
    content = node = json.loads(path.read_text())
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    path.write_text(json.dumps(content))
    with raises(DataError, path=path):
        VideoFolder(folder.root)


def test_a_folder_whose_store_lies_elsewhere(folder, tmp_path):
    shutil.move(folder.store, tmp_path / 'elsewhere')
    folder.store.symlink_to(tmp_path / 'elsewhere')
    with raises(DataError, path=folder.store):
        VideoFolder(folder.root)
