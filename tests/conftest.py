"""For all tests and the processes they start.

Worker processes are forked, and OpenCV's threads do not survive that. Output is compared, so the
terminal that the tests are started from decides neither its width nor its colours.
"""

import os
import shutil

import cv2
import pytest

cv2.setNumThreads(0)
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
SIZE = ('COLUMNS', 'LINES')
ABILITIES = ('TERM', 'FORCE_COLOR', 'NO_COLOR', 'TTY_COMPATIBLE', 'TTY_INTERACTIVE')
for name in SIZE + ABILITIES:
    os.environ.pop(name, None)


@pytest.fixture(scope='session', autouse=True)
def _configs_without_layout():
    """Leave out yapf, most of the work of a tiny run; the processes that tests start keep it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmengine.config.config.FormatCode', lambda text, **style: (text, True))
        yield


@pytest.fixture(scope='module')
def browser():
    """A headless Chromium, see `tests.annotation.tabs.Tab`."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('no Chromium on the search path')
    options = {'executable_path': CHROMIUM, 'args': ['--no-sandbox']}
    with playwright.sync_playwright() as tools, tools.chromium.launch(**options) as found:
        yield found
