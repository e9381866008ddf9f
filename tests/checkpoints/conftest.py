import pytest
from mmengine.registry import DefaultScope

from cpose.registry import RUNNERS

from ..engine.toy_training import toy_config


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.fixture
def build_runner(tmp_path):
    """Return a function that builds a toy runner in ``tmp_path/<name>``."""

    def build(options=None, name='run'):
        return RUNNERS.build(toy_config(tmp_path / name, options))

    return build
