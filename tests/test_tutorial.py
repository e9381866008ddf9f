"""docs/tutorial.md is followed as it stands, with rendered photographs and a headless browser."""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cpose.cli.main import main
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.synthetic import scene as scenes
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.metric_scale.boards import Board
from cpose.structures.camera import gl_from_cv

from .annotation.board_pictures import DISTORTION, IMAGE_WH, INTRINSICS, draw_views
from .annotation.box_views import BoxView
from .annotation.tabs import Tab, address_of

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).parents[1] / 'docs' / 'tutorial.md').read_text(encoding='utf-8')
LINES = [
    line
    for block in re.findall(r'```bash\n(.*?)```', PAGE, flags=re.S)
    for line in block.splitlines()
]
PLACES = {'kitchen': 4, 'office': 3, 'garden': 3}
FRONT_FIRST = {False: (1, 5, 4, 7, 3, 6, 2), True: (1, 5, 0, 3, 7, 2, 6)}
"""Corners in the order in which the page asks for them, by whether the left side is seen."""
LEFT, RIGHT = 0, 4
"""A corner of the back that is seen beside the left or the right side of the front."""
PLAIN = {
    'odd_camera': 0.0,
    'negatives': 0.0,
    'cut_off': 0.0,
    'hands': 0.0,
    'occluder': 0.0,
    'slender': 0.0,
    'box_span': (0.4, 0.7),
    'pitch_deg': (20.0, 45.0),
    'sides': (0.5, 2.0),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty working folder and home, and the command on the search path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('BROWSER', 'true')
    return tmp_path


@pytest.fixture
def views(place, monkeypatch):
    """Photographs of boxes by the camera of the board, as files; the true box of each."""
    sample_camera = scenes.sample_camera
    monkeypatch.setattr(
        scenes,
        'sample_camera',
        lambda *args: replace(sample_camera(*args), intrinsics=INTRINSICS),
    )
    drawn = SyntheticCuboidDataset(60, image_wh=IMAGE_WH, realism=PLAIN, seed=8)
    candidates = (drawn.load_record(number) for number in range(len(drawn)))
    names = [f'{name}/{k:04d}.jpg' for name, count in PLACES.items() for k in range(count)]
    found = {}
    while len(found) < len(names):
        record = next(candidates)
        view = labelled_view(record)
        if view is not None:
            path = place / 'photographs' / names[len(found)]
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), distort(record.image))
            found[path] = view
    return found


def labelled_view(record):
    """Return the box, labelled such that the front and one side are seen, None if none does."""
    keypoints = gl_from_cv(record.annotations.keypoints_gl[0])
    for _ in range(4):
        axes = np.array([keypoints[5] - keypoints[1], keypoints[3] - keypoints[1]])
        axes = np.vstack([axes, [keypoints[2] - keypoints[1]]])
        dims = np.linalg.norm(axes, axis=1)
        view = LensView(INTRINSICS, dims, (axes / dims[:, None]).T, keypoints[0])
        if len(view.visible()) == 7 and {0, 4} - set(view.visible()):
            front = {1, 3, 5, 7} <= set(view.visible())
            upper = {2, 6} <= set(view.visible())
            inside = (view.corners > 4).all() and (view.corners < np.subtract(IMAGE_WH, 4)).all()
            if front and upper and inside:
                return view
        keypoints = keypoints[[0, *QUARTER]]
    return None


QUARTER = (2, 6, 4, 8, 1, 5, 3, 7)
"""Keypoint that takes each corner's place when the box is turned by 90 degrees about y."""


class LensView(BoxView):
    @property
    def corners(self):
        return cv2.projectPoints(self.corners_cv, *np.zeros((2, 3)), self.intrinsics, DISTORTION)[
            0
        ].reshape(-1, 2)


def distort(image):
    """Return what the lens makes of a pinhole's picture."""
    pixels = np.stack(np.meshgrid(*map(np.arange, IMAGE_WH)), -1).reshape(-1, 1, 2).astype(float)
    source = cv2.undistortPoints(pixels, INTRINSICS, DISTORTION, P=INTRINSICS)
    maps = source.reshape(*IMAGE_WH[::-1], 2).astype(np.float32)
    return cv2.remap(image, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def run(line):
    """Run a line in this process, which has imported already what each command needs."""
    name, *words = shlex.split(line)
    assert name == 'cpose'
    assert main(words) == 0, line


@contextmanager
def started(line):
    with subprocess.Popen(f'exec {line}', shell=True, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield address_of(server)
        finally:
            server.terminate()


def place_boxes(browser, line, views):
    """Follow section 3: seven clicks and Enter in each picture."""
    with started(line) as address:
        tab = Tab(browser, address, IMAGE_WH)
        for path, view in sorted(views.items()):
            tab.opened(str(path.relative_to(Path.cwd() / 'photographs')))
            for corner in FRONT_FIRST[LEFT in view.visible()]:
                tab.click(view.corners[corner])
            tab.saved(7)
            tab.press('Enter')
        assert tab.errors == []


def objects_of(folder):
    return {
        path.relative_to(folder): json.loads(path.read_text())['objects']
        for path in sorted(Path(folder).rglob('*.json'))
    }


def test_the_page_is_followed(place, views, browser):
    for number, image in enumerate(draw_views(Board())):
        (place / 'board_photographs').mkdir(exist_ok=True)
        cv2.imwrite(str(place / 'board_photographs' / f'{number:02d}.jpg'), image)
    for line in LINES:
        if line.startswith('cpose annotate'):
            place_boxes(browser, line, views)
        else:
            run(line)
    errors = [
        np.abs(
            read_annotation(path.with_suffix('.json')).cuboids.keypoints_image[0, 1:] - view.corners
        ).max()
        for path, view in views.items()
    ]
    assert np.median(errors) < 2  # pixels; clicks are exact, the camera is the calibrated one
    summary = json.loads(Path('trial/adapt.json').read_text())
    assert summary['num_train'] + summary['num_val'] == len(views)
    assert summary['after']['mAP_3DIoU'] > 0
    for name in ('board.pdf', 'check.html', 'trial/before_after.jpg', 'tea_box.onnx'):
        assert Path(name).stat().st_size > 1000, name
    found, as_onnx = objects_of('found/json'), objects_of('found_onnx/json')
    assert sum(map(len, found.values())) >= len(views) // 2
    assert {name: len(items) for name, items in found.items()} == {
        name: len(items) for name, items in as_onnx.items()
    }
    for name, items in found.items():
        for ours, other in zip(items, as_onnx[name], strict=True):
            np.testing.assert_allclose(ours['location'], other['location'], rtol=0.01)
