"""Where the vectors are: ``CPOSE_REFERENCE_DIR``, else the copies beside the tests.

A test module that takes the argument ``case`` defines ``find_cases(root)``, which returns a dict
from test id to case, so that any other set in the same format runs unchanged.
"""

import os
from pathlib import Path

import pytest

DEFAULT_DIR = Path(__file__).parents[1] / 'data' / 'reference'


def find_reference_dir():
    return Path(os.environ.get('CPOSE_REFERENCE_DIR', DEFAULT_DIR)).resolve()


@pytest.fixture(scope='session')
def reference_dir():
    """Return the folder of the vectors."""
    return find_reference_dir()


def pytest_generate_tests(metafunc):
    if 'case' not in metafunc.fixturenames:
        return
    root = find_reference_dir()
    cases = metafunc.module.find_cases(root)
    if not cases:
        skip = pytest.mark.skip(reason=f'{root} holds no such vectors (CPOSE_REFERENCE_DIR)')
        metafunc.parametrize('case', [pytest.param(None, marks=skip)])
    else:
        metafunc.parametrize('case', list(cases.values()), ids=list(cases))
