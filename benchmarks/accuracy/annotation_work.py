"""Count what a person does to annotate thirty seconds of video in the page, and waits for.

Run ``python -m benchmarks.accuracy.annotation_work``; it prints a table in Markdown. A video of a
box of known pose is rendered, ``cpose annotate`` is started on it as a process of its own, and a
script works at its page in a headless Chromium: it places a box in one frame, looks at others,
drags two corners in each of a few, and waits where a person would have to. A click, a key or a drag
counts `SECONDS_OF_ACTION`, a look at a frame likewise. Other programs at work lengthen the waits;
``load`` is the number of those that waited for a processor.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.annotation.rendered_video import Shot, errors_px, move_by_hand, walk_around, write_video
from tests.annotation.tabs import Tab

SECONDS_OF_ACTION = 1.5
FRAMES, EVERY = 450, 5
HAND_PX = 1.0
CAMERA = ('--camera', '640', '640', '404', '297')
LOOKS = 9
"""Frames that are looked at, ten pictures apart."""
COLUMNS = (
    *('video', 'pictures', 'clicks, keys, drags', 'looks', 'frames read, s', 'page opened, s'),
    *(
        'between frames, s',
        'saving, s',
        'all frames written, s',
        'all, s',
        'median error, px',
        'load',
    ),
)


@dataclass
class Work:
    """What a person has done and waited for.

    Attributes:
        actions: Clicks, keys and drags.
        looks: Frames that were looked at.
        waits: Seconds by what was waited for.
    """

    actions: int = 0
    looks: int = 0
    waits: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Count the time until something is there."""
        start = time.perf_counter()
        yield
        self.waits[what] = self.waits.get(what, 0.0) + time.perf_counter() - start

    @property
    def seconds(self) -> float:
        """Return how long all of it takes."""
        return SECONDS_OF_ACTION * (self.actions + self.looks) + sum(self.waits.values())


class Person:
    """Works at the page of a video.

    Args:
        tab: The page.
        shots: What the frames show.
        work: What is counted.
    """

    def __init__(self, tab: Tab, shots: list[Shot], work: Work) -> None:
        self.tab, self.shots, self.work = tab, shots, work
        self.rng = np.random.default_rng(0)

    def open(self, what: str = 'between frames') -> int:
        """Wait for a frame, and return its number."""
        with self.work.waiting(what):
            self.tab.says('#hint', '(?!Opening).')
        return int(self.tab.page.text_content('#name').partition('.')[0])

    def press(self, key: str) -> None:
        """Press a key."""
        self.tab.page.keyboard.press(key)
        self.work.actions += 1

    def place(self, number: int) -> None:
        """Click the corners that are seen, in the order in which the page asks for them."""
        wanted = [k for k in (1, 5, 4, 7, 3, 6, 2) if k in self.shots[number].visible()]
        for corner in wanted:
            self.tab.click(self._aim(number, corner))
            self.work.actions += 1
        with self.work.waiting('saving'):
            self.tab.saved(len(wanted))

    def correct(self, number: int) -> None:
        """Drag two corners to where they belong."""
        for corner in [k for k in self.shots[number].visible() if k in (2, 3, 6, 7)][:2]:
            self.tab.page.mouse.move(*self.tab.at(self._shown(corner)))
            self.tab.page.mouse.down()
            self.tab.page.mouse.move(*self.tab.at(self._aim(number, corner)), steps=4)
            self.tab.page.mouse.up()
            self.work.actions += 1
            with self.work.waiting('saving'):
                self.tab.page.wait_for_timeout(20)
                self.tab.saved()

    def wait_for_frames(self) -> None:
        """Wait until all frames are written."""
        with self.work.waiting('all frames written'):
            self.tab.page.wait_for_function(
                'fetch("api/pictures").then((a) => a.json()).then((f) => !f.is_writing)',
                polling=200,
            )

    def _aim(self, number: int, corner: int) -> np.ndarray:
        return self.shots[number].corners[corner] + self.rng.normal(0, HAND_PX, 2)

    def _shown(self, corner: int) -> tuple[float, float]:
        """Return where the page shows a corner of the first box, pixels of the picture."""
        name = self.tab.page.text_content('#name')
        point = self.tab.page.evaluate(SHOWN, [name, corner])
        return point[0], point[1]


SHOWN = """async ([name, corner]) => {
  const folder = await (await fetch('api/pictures')).json();
  const { id } = folder.pictures.find((item) => item.path === name);
  const { objects } = await (await fetch(`api/pictures/${id}`)).json();
  return objects[0].solution.keypoints[corner + 1];
}"""


def annotate(browser: Any, video: Path, shots: list[Shot], options: tuple[str, ...]) -> Work:
    """Annotate a video, and return what it took."""
    work = Work()
    words = [sys.executable, '-m', 'cpose.cli.main', 'annotate', str(video), *CAMERA, *options]
    words += ['--no-browser', '--port', '0', '--every', str(EVERY)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            with work.waiting('frames read'):
                found = re.search(r'http\S+', server.stdout.readline())
            assert found is not None
            with work.waiting('page opened'):
                tab = Tab(browser, found[0])
            _work(Person(tab, shots, work), is_moved='--object-moves' in options)
            assert not tab.errors, tab.errors
        finally:
            server.kill()
    return work


def _work(person: Person, is_moved: bool) -> None:
    """Place a box in the first frame, and in a moved video in the last; look, and correct."""
    person.place(person.open('page opened'))
    if is_moved:
        person.wait_for_frames()
    for look in range(LOOKS):
        person.press('PageDown')
        number = person.open()
        person.work.looks += 1
        if look in ((3, 8) if is_moved else (8,)):
            person.correct(number)
    person.wait_for_frames()


def row_of(name: str, work: Work, folder: Path, shots: list[Shot]) -> tuple[str, ...]:
    """Return the cells of a table."""
    waits = ('frames read', 'page opened', 'between frames', 'saving', 'all frames written')
    errors = errors_px(folder, shots)
    return (
        name,
        str(len(errors)),
        str(work.actions),
        str(work.looks),
        *(f'{work.waits[what]:.1f}' for what in waits),
        f'{work.seconds:.0f}',
        f'{np.median(errors):.1f}',
        f'{os.getloadavg()[0]:.1f}',
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=FRAMES, help='of each video')
    frames = parser.parse_args().frames
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    if chromium is None:
        sys.stdout.write('Nothing is measured: there is no Chromium on the search path\n')
        return 0
    from playwright.sync_api import sync_playwright

    ways = {
        'camera moves, board': (walk_around(frames), True, ()),
        'object moves': (move_by_hand(frames), False, ('--object-moves',)),
    }
    sys.stdout.writelines(f'| {" | ".join(row)} |\n' for row in (COLUMNS, ('---',) * len(COLUMNS)))
    with TemporaryDirectory() as name, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
        for place, (way, (shots, has_board, options)) in enumerate(ways.items()):
            video = write_video(Path(name, f'video_{place}.mp4'), shots, has_board=has_board)
            work = annotate(browser, video, shots, options)
            row = row_of(way, work, video.with_suffix(''), shots)
            sys.stdout.write(f'| {" | ".join(row)} |\n')
            sys.stdout.flush()
        browser.close()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
