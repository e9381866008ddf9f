"""The page in a headless browser, with the real server as a process of its own."""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from cpose.annotation.server.pictures import HIDDEN
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import GL_FROM_CV

from .box_views import box_view, paint, ratio_error, rotation_error_deg
from .tabs import Tab, address_of

pytestmark = pytest.mark.slow
VIEWS = (box_view(), box_view(yaw=35), box_view(yaw=-50, pitch=35, dims=(1, 1, 0.6)))
ORDERS = ((1, 5, 4, 7, 3, 6, 2), (1, 5, 0, 3, 7, 2, 6), (1, 5, 4, 7, 3, 6, 2))


@contextmanager
def served(folder, *options):
    command = [sys.executable, '-m', 'cpose.cli.main', 'annotate', str(folder)]
    words = [*command, '--no-browser', '--port', '0', '--category', 'carton', *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield address_of(server), server
        finally:
            server.kill()


@pytest.fixture
def folder(tmp_path):
    for number, view in enumerate(VIEWS):
        cv2.imwrite(str(tmp_path / f'box_{number}.png'), paint(view))
    return tmp_path


def check(path, view):
    annotation = read_annotation(path)
    item = json.loads(path.read_text())['objects'][0]
    rotation = GL_FROM_CV @ matrix_from_quaternion(item['quaternion_xyzw'])
    assert rotation_error_deg(rotation, view.rotation) <= 2
    assert ratio_error(annotation.cuboids.dims_metric[0], view.dims) <= 0.03


def test_boxes_are_placed_by_clicks(folder, browser):
    """The focal length is unknown, both sides of the front are seen, eight actions suffice."""
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        for number in (0, 1, 2):
            tab.opened(f'box_{number}.png')
            for corner in ORDERS[number]:
                tab.click(VIEWS[number].corners[corner])
            tab.saved(7)
            tab.press('Enter')
            assert tab.actions <= 8 * (number + 1)
        tab.page.wait_for_function('document.querySelector("#progress").textContent === "3 / 3"')
        assert tab.errors == []
    for number, view in enumerate(VIEWS):
        check(folder / f'box_{number}.json', view)


def test_a_click_on_a_corner_that_the_box_shows_already_places_it(folder, browser):
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for count, corner in enumerate(ORDERS[0], 1):
            tab.click(VIEWS[0].corners[corner])
            tab.saved(count)
    check(folder / 'box_0.json', VIEWS[0])


def test_undo_and_redo(folder, browser):
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for corner in ORDERS[0][:5]:
            tab.click(VIEWS[0].corners[corner])
        tab.saved(5)
        before = json.loads((folder / 'box_0.json').read_text())['objects']
        tab.click(VIEWS[0].corners[6] + 60)
        tab.saved(6)
        assert json.loads((folder / 'box_0.json').read_text())['objects'] != before
        tab.press('Control+z')
        tab.saved(5)
        again = json.loads((folder / 'box_0.json').read_text())['objects']
        assert again[0]['annotation']['corners'] == before[0]['annotation']['corners']
        np.testing.assert_allclose(again[0]['scale'], before[0]['scale'], rtol=1e-3)
        tab.press('Control+Shift+Z')
        tab.saved(6)
        for count in (5, 4, 3, 2, 1, 0):
            tab.press('Control+z')
            tab.saved(count)
        assert not (folder / 'box_0.json').exists()


def test_the_page_says_what_is_next(folder, browser):
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for corner in ORDERS[0][:2]:
            tab.click(VIEWS[0].corners[corner])
        tab.saved(2)
        tab.press('Enter')
        tab.says('#toast', 'A box in box_0.png has 2 corners only')
        tab.opened('box_1.png')
        tab.press('e')
        tab.says('#hint', 'No object here')
        tab.press('?')
        assert tab.page.locator('.helping .keys').is_visible()
        tab.press('Escape')
        tab.press('Enter')
        tab.opened('box_2.png')
        tab.press('Enter')
        tab.says('#toast', 'This was the last picture. Not annotated yet: 2, box_0.png first')
        tab.press('e')
        tab.says('#hint', 'No object here')
        assert tab.errors == []


def test_looking_changes_nothing(folder, browser):
    with served(folder, '--read-only') as (address, _):
        tab = Tab(browser, address)
        tab.says('#hint', 'Not annotated')
        for corner in ORDERS[0][:4]:
            tab.click(VIEWS[0].corners[corner])
        for key in ('n', 'e', 'Enter', 'ArrowRight'):
            tab.press(key)
        tab.page.wait_for_function('document.querySelector("#name").textContent === "box_1.png"')
        assert tab.page.locator('#boxes li').count() == 0
        assert tab.errors == []
    assert not list(folder.glob('*.json'))


def test_a_corner_that_is_far_off_is_named(folder, browser):
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for corner in ORDERS[0]:
            tab.click(VIEWS[0].corners[corner] + (60 if corner == 7 else 0))
        tab.saved(7)
        tab.says('#told', '.*front top right is probably wrong')


def test_dragging_keeps_the_box_rigid(folder, browser):
    view, wrong = VIEWS[0], 25
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for corner in ORDERS[0]:
            tab.click(view.corners[corner] + (wrong if corner == 7 else 0))
        tab.saved(7)
        tab.page.mouse.move(*tab.at(view.corners[7] + wrong))
        tab.page.mouse.down()
        tab.page.mouse.move(*tab.at(view.corners[7]), steps=6)
        tab.page.mouse.up()
        tab.page.wait_for_function(
            'Number(/[0-9.]+/.exec(document.querySelector("#told").textContent)?.[0] ?? 99) < 1'
        )
        tab.saved(7)
    check(folder / 'box_0.json', view)


def test_a_killed_server_loses_no_click(folder, browser):
    with served(folder) as (address, server):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        for count, corner in enumerate(ORDERS[0][:3], 1):
            tab.click(VIEWS[0].corners[corner])
            tab.saved(count)
        server.send_signal(signal.SIGKILL)
        server.wait()
        tab.click(VIEWS[0].corners[7])
        tab.page.wait_for_function('document.querySelector("#saved").textContent === "not saved"')
    assert (folder / HIDDEN / 'box_0.json').exists()
    with served(folder) as (address, _):
        tab = Tab(browser, address)
        tab.opened('box_0.png')
        tab.page.wait_for_function('document.querySelectorAll("#guide circle.placed").length === 3')
        for corner in ORDERS[0][3:]:
            tab.click(VIEWS[0].corners[corner])
        tab.saved(7)
    check(folder / 'box_0.json', VIEWS[0])


def test_the_second_tab_is_told_and_can_bring_its_change_back(folder, browser):
    with served(folder) as (address, _):
        first, second = Tab(browser, address), Tab(browser, address)
        for tab in (first, second):
            tab.opened('box_0.png')
        for corner in ORDERS[0]:
            first.click(VIEWS[0].corners[corner])
        first.saved(7)
        before = (folder / 'box_0.json').read_bytes()
        second.click(VIEWS[0].corners[1])
        second.page.locator('#toast').wait_for(state='visible')
        assert 'another tab' in second.page.locator('#toast').inner_text()
        assert (folder / 'box_0.json').read_bytes() == before
        assert second.page.locator('#boxes li').count() == 1
        assert second.page.locator('#redo').is_enabled()


def test_a_photograph_of_12_megapixels_is_redrawn_while_the_mouse_moves(tmp_path, browser, capsys):
    """Prints the times; how long they are depends on what else the machine does."""
    image_wh, factor = (4000, 3000), 5
    view = box_view()
    cv2.imwrite(str(tmp_path / 'a.jpg'), cv2.resize(paint(view), image_wh))
    with served(tmp_path) as (address, _):
        tab = Tab(browser, address, image_wh)
        tab.opened('a.jpg')
        for corner in ORDERS[0][:6]:
            tab.click(view.corners[corner] * factor)
        tab.saved(6)
        for step in range(40):
            tab.page.mouse.move(*tab.at((view.corners[2] + step - 20) * factor))
            tab.page.wait_for_timeout(30)
        times = tab.page.evaluate(
            'performance.getEntriesByName("redraw").map((item) => item.duration)'
        )
    with capsys.disabled():
        sys.stdout.write(f'\nmove to redraw: median {np.median(times):.0f} ms, {len(times)} moves ')
    assert len(times) > 10


def test_a_proposal_is_turned_and_accepted(tmp_path, browser):
    dataset = SyntheticCuboidDataset(1, image_wh=(640, 480), objects=(1, 1), seed=11)
    write_record(dataset.load_record(0), tmp_path, 'box', ('cuboid',))
    truth = read_annotation(tmp_path / 'box.json')
    (tmp_path / 'box.json').unlink()
    camera = truth.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]
    numbers = [f'{value}' for value in camera]
    with served(tmp_path, '--model', 'cuboid', '--camera', *numbers) as (address, _):
        tab = Tab(browser, address, (640, 480))
        tab.says('#hint', 'Enter accepts')
        tab.press('Enter')
        tab.saved(8)
        tab.press('Control+z')
        tab.says('#hint', 'Enter accepts')
        tab.saved()
        assert not (tmp_path / 'box.json').exists()
        tab.press('r')
        tab.press('Enter')
        tab.saved(8)
        assert tab.errors == []
    item = json.loads((tmp_path / 'box.json').read_text())['objects'][0]
    assert item['annotation']['source'] == 'model'
    assert item['class'] == 'carton'
    (result,) = CenterPoseInferencer(model='cuboid')(str(tmp_path / 'box.jpg'), camera=camera)
    expected, found = result.poses[0].keypoints_image, np.array(item['projected_cuboid'])
    distances = np.linalg.norm(found[1:, None] - expected[1:], axis=2)
    assert distances.min(axis=1).max() < 1.5
    # What was the right side is the front: other corners have its numbers.
    assert distances.diagonal().min() > 10
