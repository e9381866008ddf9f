"""The page for a video in a headless browser, with the real server as a process of its own."""

import time

import numpy as np
import pytest

from cpose.datasets.annotations.annotation import read_annotation

from .rendered_video import errors_px, walk_around, write_video
from .tabs import Tab
from .test_page import served

pytestmark = pytest.mark.slow
SHOTS = walk_around(9)
CAMERA = ('--camera', '640', '640', '404', '297')


def all_written(tab, count):
    done = f'document.querySelector("#progress").textContent === "{count} / {count}"'
    tab.page.wait_for_function(done)


def test_a_box_is_placed_in_one_frame_checked_and_corrected(tmp_path, browser):
    video = write_video(tmp_path / 'walk.mp4', SHOTS)
    with served(video, *CAMERA) as (address, _):
        tab = Tab(browser, address)
        tab.opened('000000.jpg')
        assert not tab.page.locator('#source').is_visible()
        for corner in (1, 5, 4, 7, 3):
            shift = (6, -5) if corner == 3 else (0, 0)
            tab.click(SHOTS[0].corners[corner] + shift)
        tab.saved(5)
        all_written(tab, 9)
        before = errors_px(tmp_path / 'walk', SHOTS)
        tab.press('PageDown')
        tab.opened('000008.jpg')
        assert 'Drag a corner' in tab.page.locator('#hint').text_content()
        drag_to(tab, tmp_path / 'walk' / '000008.json', 3)
        drag_to(tab, tmp_path / 'walk' / '000008.json', 7)
        tab.press('e')
        tab.page.wait_for_function('document.querySelector("#empty").classList.contains("on")')
        tab.press('Control+z')
        tab.saved(8)
        all_written(tab, 9)
        assert tab.errors == []
    after = errors_px(tmp_path / 'walk', SHOTS)
    assert len(after) == 9
    assert np.median(after) < 0.6 * np.median(before)


def drag_to(tab, path, corner):
    """Drag a corner from where the box shows it to where it belongs."""
    start = read_annotation(path).cuboids.keypoints_image[0, 1 + corner]
    tab.page.mouse.move(*tab.at(start))
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.at(SHOTS[8].corners[corner]), steps=4)
    written = path.stat().st_mtime_ns
    tab.page.mouse.up()
    tab.saved()  # the page may be behind the disk, and would miss the next corner
    end = time.monotonic() + 60
    while path.stat().st_mtime_ns == written:
        assert time.monotonic() < end, 'nothing was written'
        time.sleep(0.05)
