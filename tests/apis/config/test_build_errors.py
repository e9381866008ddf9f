import pytest
from mmengine.config import Config

from cpose.apis.config.build_errors import named_build_errors
from cpose.errors import ConfigError, DataError
from cpose.registry import CODECS, HOOKS, RUNNERS
from cpose.shipped_configs import shipped_head


def build(config):
    with named_build_errors(config):
        return CODECS.build(config.codec)


POSTPROCESSOR = shipped_head()['postprocessor']


@pytest.mark.parametrize(
    ('codec', 'message'),
    [
        ({'stride': 4}, r"mine\.py cannot be built: a part has no key \"type\": {'stride': 4}\."),
        (
            {'type': 'CenterPoseCodec', 'strides': 4},
            r'CenterPoseCodec \(config key codec\) with strides=4: .*unexpected keyword',
        ),
        (
            {**POSTPROCESSOR, 'solver': {'type': 'NoSolver'}},
            r'NoSolver \(config key codec\.solver\): NoSolver is not in the cpose::codec registry',
        ),
    ],
)
def test_part_and_place_are_named(codec, message, tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text(f'codec = {codec}')
    with pytest.raises(ConfigError, match=message):
        build(Config.fromfile(str(file)))


def test_values_that_a_part_refuses():
    config = Config({'hook': {'type': 'ParamSchedulerHook'}, 'log': {'type': 'Refusing'}})
    HOOKS.register_module(name='Refusing', module=Refusing)
    try:
        with (
            pytest.raises(ConfigError, match=r'Refusing \(config key log\): interval=0 is'),
            named_build_errors(config),
        ):
            HOOKS.build(config.log)
    finally:
        HOOKS.module_dict.pop('Refusing')


class Refusing:
    def __init__(self):
        raise ValueError('interval=0 is too small')


@pytest.mark.parametrize(
    ('error', 'says'),
    [
        (AssertionError('size is odd'), r'Failing \(config key part\) with size=3: size is odd\.'),
        (
            TypeError('no len'),
            r'Failing .*: no len \(TypeError in test_build_errors\.py, line \d',
        ),
        (RuntimeError('empty'), r'Failing .*: empty \(RuntimeError in test_build_errors\.py, line'),
        (AssertionError(), r'Failing .*: +\(AssertionError in test_build_errors\.py, line'),
    ],
)
def test_values_at_which_a_part_fails(error, says):
    class Failing:
        def __init__(self, size, rest):
            raise error

    config = Config({'part': {'type': 'Failing', 'size': 3, 'rest': [{'a': 1}]}})
    CODECS.register_module(name='Failing', module=Failing)
    try:
        with pytest.raises(ConfigError, match=says) as caught, named_build_errors(config):
            CODECS.build(config.part)
    finally:
        CODECS.module_dict.pop('Failing')
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ('error', 'expected', 'says'),
    [
        (RuntimeError('out of memory'), RuntimeError, '^out of memory$'),
        (TypeError('got 5'), ConfigError, r'cannot be built: got 5 \(TypeError in'),
    ],
)
def test_failures_of_the_runner_itself(error, expected, says):
    class FailingRunner:
        @classmethod
        def from_cfg(cls, config):
            raise error

    config = Config({'runner_type': FailingRunner})
    with pytest.raises(expected, match=says), named_build_errors(config):
        RUNNERS.build(config)


@pytest.mark.parametrize('error', [KeyError('a'), TypeError('b'), ValueError('c'), DataError('d')])
def test_errors_from_elsewhere_pass(error):
    with pytest.raises(type(error)) as caught, named_build_errors(Config({})):
        raise error
    assert caught.value is error


def test_mistakes_in_a_part_pass():
    class Broken:
        def __init__(self):
            raise KeyError('a bug')

    with pytest.raises(KeyError, match='a bug'), named_build_errors(Config({})):
        CODECS.build({'type': Broken})
