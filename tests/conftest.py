"""For all tests and the processes they start.

Worker processes are forked, and OpenCV's threads do not survive that. Output is compared, so the
terminal that the tests are started from decides neither its width nor its colours.
"""

import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import cv2
import pytest
from mmengine.registry import Registry

import cpose.registry

cv2.setNumThreads(0)
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
SIZE = ('COLUMNS', 'LINES')
ABILITIES = ('TERM', 'FORCE_COLOR', 'NO_COLOR', 'TTY_COMPATIBLE', 'TTY_INTERACTIVE')
LIBRARIES = ('cpose', 'mmengine', 'mmcv', 'torch', 'timm')
"""What registers parts that every test may find."""
LONGEST_FILES = Path(__file__).with_name('longest_files.txt')
SECONDS_OF_SLOW = 4
"""Of a test that is marked slow, in a file that is not listed."""
for name in SIZE + ABILITIES:
    os.environ.pop(name, None)


def listed_seconds():
    """Return the seconds of the longest files by path."""
    lines = LONGEST_FILES.read_text().splitlines()
    pairs = (line.split() for line in lines if not line.startswith('#'))
    return {path: float(seconds) for seconds, path in pairs}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, so that no process is left with one at the end."""
    slow = [_file_of(item) for item in items if item.get_closest_marker('slow')]
    seconds = {file: SECONDS_OF_SLOW * count for file, count in Counter(slow).items()}
    seconds.update(listed_seconds())
    items.sort(key=lambda item: -seconds.get(_file_of(item), 0))


def _file_of(item):
    return item.nodeid.partition('::')[0]


@pytest.fixture(scope='session', autouse=True)
def _configs_without_layout():
    """Leave out yapf, most of the work of a tiny run; the processes that tests start keep it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmengine.config.config.FormatCode', lambda text, **style: (text, True))
        yield


@pytest.fixture(scope='module', autouse=True)
def _own_registrations():
    """Forget the plugins that a test file has loaded, so that no other file finds them."""
    registries = [item for item in vars(cpose.registry).values() if isinstance(item, Registry)]
    names = [set(registry.module_dict) for registry in registries]
    modules = set(sys.modules)
    yield
    for registry, known in zip(registries, names, strict=True):
        for name in registry.module_dict.keys() - known:
            origin = getattr(registry.module_dict[name], '__module__', LIBRARIES[0])
            if origin.partition('.')[0] not in LIBRARIES:
                del registry.module_dict[name]
                if origin not in modules:
                    sys.modules.pop(origin, None)


@pytest.fixture(scope='module')
def browser():
    """A headless Chromium, see `tests.annotation.tabs.Tab`."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('no Chromium on the search path')
    options = {'executable_path': CHROMIUM, 'args': ['--no-sandbox']}
    with playwright.sync_playwright() as tools, tools.chromium.launch(**options) as found:
        yield found
