"""Objects that are moved before a camera that stands still."""

import json

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from cpose.annotation.server.app import AnnotationApp
from cpose.annotation.video.box_details import refine_pose
from cpose.annotation.video.following import (
    DISAGREE,
    GUESSED,
    LOST,
    NO_EDGES,
    BoxFollower,
)
from cpose.annotation.video.model_search import find_among
from cpose.annotation.video.motion import Frame
from cpose.annotation.video.preparing import VideoSettings, prepare_video, write_boxes
from cpose.annotation.video.video_editor import VideoEditor
from cpose.cli.main import main
from cpose.datasets.annotations.annotation import read_annotation
from cpose.geometry.projection import project_points
from cpose.geometry.symmetry import quarter_turn_order
from cpose.structures.cuboid import CORNER_SIGNS

from .rendered_video import DIMS, INTRINSICS, draw_shot, errors_px, move_by_hand, write_video

COUNT = 24
SHOTS = move_by_hand(COUNT)
CAMERA = ('--camera', '640', '640', '404', '297')
SETTINGS = VideoSettings(camera=INTRINSICS, is_object_moved=True)


@pytest.fixture(scope='module')
def pictures():
    return [draw_shot(shot, has_board=False) for shot in SHOTS]


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp('video')
    return write_video(folder / 'hand.mp4', SHOTS, (5,), has_board=False)


def box_file(path, numbers=(0, COUNT - 1), noise=0.5, **fields):
    frames = {str(number): SHOTS[number].clicks(noise=noise, seed=number) for number in numbers}
    path.write_text(json.dumps({'boxes': [{'category': 'carton', 'frames': frames, **fields}]}))
    return path


@pytest.mark.slow
def test_two_placed_frames_label_those_between(video, tmp_path, capfd):
    box = box_file(tmp_path / 'box.json', sizes=[None, float(DIMS[1]), None])
    words = ['annotate', str(video), '--object-moves', '--out', str(tmp_path / 'out'), *CAMERA]
    assert main([*words, '--box', str(box)]) == 0
    assert f'{COUNT - 1} frames' in capfd.readouterr().out
    errors = errors_px(tmp_path / 'out', SHOTS)
    assert len(errors) == COUNT - 1
    assert np.median(errors) < 0.8
    assert errors.max() < 3
    annotation = read_annotation(tmp_path / 'out' / '000012.json')
    np.testing.assert_allclose(annotation.cuboids.dims_metric[0], DIMS, rtol=0.03)
    stored = json.loads((tmp_path / 'out' / '000012.json').read_text())
    assert stored['objects'][0]['annotation']['unit'] == 'metre'
    assert 'AR_data' not in stored


def pose_of(shot):
    return shot.cv_from_world @ shot.world_from_object


def follower(pictures, **options):
    frames = [Frame(f'{number}', number, INTRINSICS) for number in range(len(pictures))]
    return BoxFollower(frames, lambda frame: pictures[frame.number], DIMS, **options)


def corners_of(pose):
    return project_points((CORNER_SIGNS / 2 * DIMS) @ pose[:3, :3].T + pose[:3, 3], INTRINSICS)


@pytest.mark.slow
def test_a_box_is_followed_to_both_sides(pictures):
    found = follower(pictures).follow({12: pose_of(SHOTS[12])})
    assert sorted(found) == list(range(COUNT))
    for number, pose in found.items():
        assert pose.reason == ''
        distances = corners_of(pose.cv_from_object) - SHOTS[number].corners
        assert np.abs(distances).max() < 2.5


@pytest.fixture(scope='module')
def plain_pictures():
    return [draw_shot(shot, has_board=False, has_prints=False) for shot in SHOTS[:12:2]]


def moved_by_clicks(shot, seed=1):
    """Return a pose that is off by two pixels, as one that was clicked."""
    pose = pose_of(shot).copy()
    pose[:3, 3] += np.random.default_rng(seed).normal(0, 0.002, 3)
    return pose


def test_a_plain_box_is_followed_by_its_edges(plain_pictures):
    found = follower(plain_pictures).follow({0: moved_by_clicks(SHOTS[0])})
    for number in range(1, 6):
        assert found[number].reason == ''
        distances = corners_of(found[number].cv_from_object) - SHOTS[2 * number].corners
        assert np.abs(distances).mean() < 0.8


def test_a_plain_box_that_is_hidden_is_not_guessed(plain_pictures):
    hidden = [*plain_pictures[:3], np.full_like(plain_pictures[0], 90), *plain_pictures[4:]]
    found = follower(hidden).follow({0: pose_of(SHOTS[0]), 5: pose_of(SHOTS[10])})
    assert [number for number, pose in found.items() if pose.reason] == [3]


def test_edges_confirm_what_a_model_has_found(plain_pictures):
    hidden = [*plain_pictures[:2], np.full_like(plain_pictures[0], 90), *plain_pictures[3:]]

    def near(frame, last):
        return moved_by_clicks(SHOTS[2 * frame.number], 3) if frame.number > 2 else None

    found = follower(hidden, find_again=near).follow({0: pose_of(SHOTS[0])})
    assert [number for number, pose in found.items() if pose.reason] == [2]
    distances = corners_of(found[3].cv_from_object) - SHOTS[6].corners
    assert np.abs(distances).mean() < 0.8


def test_details_that_slip_are_found_by_the_edges(pictures):
    """What is printed moves across the box, as when a sheet slides over it."""
    slipped = [pictures[0], np.roll(pictures[0], (14, 20), axis=(0, 1))]
    slipped[1][:, :, :] = np.where(outside(SHOTS[0]), pictures[0], slipped[1])
    found = follower(slipped).follow({0: pose_of(SHOTS[0])})
    assert found[1].reason == NO_EDGES


def outside(shot):
    """Return where (600, 800, 1) neither a box nor its rim is."""
    mask = np.zeros((600, 800), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(shot.corners).astype(np.int32)), 1)
    return cv2.erode(mask, np.ones((9, 9), np.uint8))[..., None] == 0


def test_a_box_that_is_hidden_is_lost(pictures):
    hidden = [*pictures[:8], *[np.full_like(pictures[0], 90)] * 3, *pictures[11:]]
    found = follower(hidden).follow({0: pose_of(SHOTS[0]), COUNT - 1: pose_of(SHOTS[-1])})
    assert [number for number, pose in found.items() if pose.reason == LOST] == [8, 9, 10]
    assert found[8].cv_from_object is None


def test_frames_that_two_sides_see_differently_are_doubtful(pictures):
    wrong = pose_of(SHOTS[10]).copy()
    wrong[:3, 3] += (0.03, 0.0, 0.0)
    found = follower(pictures[:11]).follow({0: pose_of(SHOTS[0]), 10: wrong})
    assert found[5].reason == DISAGREE


def test_a_model_finds_a_box_again(pictures):
    hidden = [*pictures[:4], np.full_like(pictures[0], 90), *pictures[5:10]]
    asked = []

    def find_again(frame, last):
        asked.append(frame.number)
        return pose_of(SHOTS[frame.number]) if frame.number > 4 else None

    found = follower(hidden, find_again=find_again).follow({0: pose_of(SHOTS[0])})
    assert asked == [4, 5]
    assert found[4].reason == LOST
    assert found[5].reason == GUESSED

    def guess(frame, last):
        return pose_of(SHOTS[frame.number])

    found = follower(hidden, find_again=guess).follow({0: pose_of(SHOTS[0])})
    assert found[7].reason == GUESSED
    assert np.abs(corners_of(found[7].cv_from_object) - SHOTS[7].corners).max() < 3


def test_proposals_are_matched_with_their_labellings():
    last, frame = pose_of(SHOTS[0]), Frame('a', 0, INTRINSICS)
    order = quarter_turn_order(1)[1:] - 1
    shown = SHOTS[3].corners + np.random.default_rng(0).normal(0, 1, (8, 2))
    other = SHOTS[3].corners * (1, 2.5)
    proposals = [{'corners': shown[order].tolist()}, {'corners': other.tolist()}]
    pose = find_among(proposals, frame, (800, 600), DIMS, last)
    assert np.abs(corners_of(pose) - SHOTS[3].corners).max() < 3
    assert find_among(proposals[1:], frame, (800, 600), DIMS, last) is None


@pytest.mark.slow
def test_a_model_of_the_page_finds_boxes_again(tmp_path):
    shots = SHOTS[:8]
    writer = write_video(tmp_path / 'a.mp4', [*shots[:3], SHOTS[-1], *shots[4:]], has_board=False)
    folder = prepare_video(writer, tmp_path / 'out', SETTINGS)
    asked = []

    def build(editor):
        def propose(picture):
            asked.append(editor.folder.number_of(picture))
            return [{'corners': SHOTS[asked[-1]].corners.tolist()}]

        return propose

    contents = write_boxes(folder, box_file(tmp_path / 'box.json', [0]), build)
    assert asked
    assert contents[asked[0]] == GUESSED


def test_outliers_hardly_move_a_pose():
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.5, 0.5, (60, 3)) * DIMS
    pose = pose_of(SHOTS[0])
    pixels = project_points(points @ pose[:3, :3].T + pose[:3, 3], INTRINSICS)
    pixels += rng.normal(0, 0.2, pixels.shape)
    pixels[:10] += 25
    start = np.concatenate([cv2.Rodrigues(pose[:3, :3])[0].ravel() + 0.05, pose[:3, 3] + 0.01])
    found, _ = refine_pose(Frame('a', 0, INTRINSICS), points, pixels, np.ones(60), start)
    np.testing.assert_allclose(found[3:], pose[:3, 3], atol=0.004)


class Page:
    """What the page sends."""

    def __init__(self, folder):
        self.editor = VideoEditor(folder)
        self.client = TestClient(AnnotationApp(self.editor, ('carton',)).build())
        self.ids = {
            number: id
            for number, id in zip(
                (frame.number for frame in folder.motion.frames), folder.pictures, strict=True
            )
        }

    def read(self, number):
        return self.client.get(f'/api/pictures/{self.ids[number]}').json()

    def write(self, number, objects):
        document = self.read(number)
        sent = {'revision': document['revision'], 'camera': document['camera'], 'objects': objects}
        response = self.client.put(f'/api/pictures/{self.ids[number]}', json=sent)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.mark.slow
def test_the_page_follows_and_is_corrected(video, tmp_path):
    folder = prepare_video(video, tmp_path / 'out', SETTINGS)
    page = Page(folder)
    corners = SHOTS[0].clicks([1, 3, 4, 5, 7], noise=4.0, seed=2)
    page.write(0, [{'id': 'b1', 'category': 'carton', 'corners': corners}])
    page.editor.settle()
    before = np.median(errors_px(tmp_path / 'out', SHOTS)[-4])
    shown = page.read(20)['objects'][0]
    assert shown['soft'] == [True] * 8
    exact, placed = SHOTS[20].corners.tolist(), SHOTS[20].visible()
    moved = [exact[k] if k in placed else point for k, point in enumerate(shown['corners'])]
    soft = [k not in placed for k in range(8)]
    address = f'/api/pictures/{page.ids[20]}/solve'
    changed = {**shown, 'corners': moved, 'soft': soft}
    sent = {'box': changed, 'start': shown['solution']['state']}
    live = page.client.post(address, json=sent).json()['solution']
    assert live['residual_px'] < 3
    answer = page.write(20, [changed])
    assert answer['objects'][0]['soft'] == soft
    page.editor.settle()
    after = np.median(errors_px(tmp_path / 'out', SHOTS)[-4])  # of frame 20
    assert after < before / 2
    again = VideoEditor(prepare_video(video, tmp_path / 'out', SETTINGS))
    assert len([item for item in again.settle().values() if not isinstance(item, str)]) == COUNT - 1


@pytest.mark.slow
def test_without_a_camera_one_is_assumed_with_a_warning(video, tmp_path):
    with pytest.warns(UserWarning, match='No camera is known'):
        folder = prepare_video(video, tmp_path / 'out', VideoSettings(is_object_moved=True))
    assert folder.motion.intrinsics_source == 'guessed'
    write_boxes(folder, box_file(tmp_path / 'box.json', [0]))
