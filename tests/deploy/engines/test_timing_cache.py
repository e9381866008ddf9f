import pytest

from cpose.deploy.engines.engine_build import load_timing_cache, save_timing_cache
from cpose.deploy.engines.flavors import Flavor
from cpose.errors import ConfigError, OutputError

from ...user_errors import raises
from .fake_tensorrt import FakeConfig, make_module


def load(path, name='tensorrt'):
    module = make_module()
    return load_timing_cache(FakeConfig(module), path, Flavor(name, module)), module.calls


def test_no_file_no_cache(tmp_path):
    assert load(None) == (None, [])
    save_timing_cache(None, None)


def test_a_stored_cache_is_used(tmp_path):
    file = tmp_path / 'timing.bin'
    file.write_bytes(b'old')
    cache, calls = load(file)
    assert calls == [('cache', b'old', False)]
    save_timing_cache(cache, file)
    assert file.read_bytes() == b'old+timings'


@pytest.mark.parametrize('content', [b'broken', b'foreign'])
def test_an_unusable_cache_is_refused(tmp_path, content):
    file = tmp_path / 'timing.bin'
    file.write_bytes(content)
    with raises(ConfigError, argument='timing_cache'):
        load(file)
    assert file.read_bytes() == content


def test_a_cache_that_could_not_be_written_is_refused_before_the_build(tmp_path):
    with raises(OutputError, path=tmp_path):
        load(tmp_path)
    with raises(OutputError, path=tmp_path / 'nowhere' / 'timing.bin'):
        load(tmp_path / 'nowhere' / 'timing.bin')


def test_rtx_has_none_and_says_so(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        'cpose.deploy.engines.engine_build.print_log', lambda text, **kwargs: said.append(text)
    )
    assert load(tmp_path / 'timing.bin', 'rtx') == (None, [])
    assert 'neither read nor written' in said[0]
