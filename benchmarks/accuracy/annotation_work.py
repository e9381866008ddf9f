"""Count what a person does to annotate thirty seconds of video in the page, and waits for.

Run ``python -m benchmarks.accuracy.annotation_work``; it prints a table in Markdown. A video of a
box of known pose is rendered, ``cpose annotate`` is started on it as a process of its own, and a
script works at its page in a headless Chromium: it places a box in one frame, looks at others,
drags two corners where they are off, places the box anew where it was lost, and waits where a
person would have to. A click, a key or a drag counts `SECONDS_OF_ACTION`, a look at a frame
`SECONDS_OF_LOOK`. Other programs at work lengthen the waits; ``load`` is the number of those that
waited for a processor.
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

from cpose.datasets.annotations.annotation import read_annotation
from tests.annotation.rendered_video import Shot, errors_px, move_by_hand, walk_around, write_video
from tests.annotation.tabs import Tab

SECONDS_OF_ACTION = 1.5
"""Pointing and clicking take 1.3 s: Card, Moran and Newell, "The keystroke-level model for user
performance time with interactive systems" (CACM 1980)."""
SECONDS_OF_LOOK = 3.0
FRAMES, EVERY = 450, 5
VISIBLE_PX = 5.0
"""A corner that is farther off is corrected."""
HAND_PX = 1.0
CAMERA = ('--camera', '640', '640', '404', '297')
IS_WRITING = 'async () => (await (await fetch("api/pictures")).json()).is_writing'
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
        work = SECONDS_OF_ACTION * self.actions + SECONDS_OF_LOOK * self.looks
        return work + sum(self.waits.values())


class Person:
    """Works at the page of a video.

    Args:
        tab: The page.
        folder: Where the annotations are written.
        shots: What the frames show.
        work: What is counted.
    """

    def __init__(self, tab: Tab, folder: Path, shots: list[Shot], work: Work) -> None:
        self.tab, self.folder, self.shots, self.work = tab, folder, shots, work
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
            shown = self._shown(number)
            assert shown is not None
            self.tab.page.mouse.move(*self.tab.at(shown[corner]))
            self.tab.page.mouse.down()
            self.tab.page.mouse.move(*self.tab.at(self._aim(number, corner)), steps=4)
            self.tab.page.mouse.up()
            self.work.actions += 1
            with self.work.waiting('saving'):
                self.tab.page.wait_for_timeout(20)
                self.tab.saved()
                self.wait_for_frames()

    def wait_for_frames(self) -> None:
        """Wait until all frames are written."""
        with self.work.waiting('all frames written'):
            while self.tab.page.evaluate(IS_WRITING):
                time.sleep(0.1)

    def _aim(self, number: int, corner: int) -> np.ndarray:
        return self.shots[number].corners[corner] + self.rng.normal(0, HAND_PX, 2)

    def error_px(self, number: int) -> float | None:
        """Return how far the corners are off, None in a frame without a box."""
        shown = self._shown(number)
        return None if shown is None else float(np.abs(shown - self.shots[number].corners).max())

    def _shown(self, number: int) -> np.ndarray | None:
        """Return where the page shows the corners (8, 2) of the box, pixels of the picture."""
        path = self.folder / f'{number:06d}.json'
        return read_annotation(path).cuboids.keypoints_image[0, 1:] if path.exists() else None


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
            _work(Person(tab, video.with_suffix(''), shots, work))
            assert not tab.errors, tab.errors
        finally:
            server.kill()
    return work


def _work(person: Person) -> None:
    """Place a box in the first frame, look at some others, and mend what is off there."""
    person.place(person.open('page opened'))
    person.wait_for_frames()
    for _ in range(LOOKS):
        person.press('PageDown')
        number = person.open()
        person.work.looks += 1
        error = person.error_px(number)
        if error is None:
            person.place(number)
        elif error > VISIBLE_PX:
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
