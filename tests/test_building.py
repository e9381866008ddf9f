import pytest
from mmengine.config import Config

from cpose.building import building
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, DataError, check_number
from cpose.registry import CODECS, HOOKS, RUNNERS


def fails(config, build, kind=ConfigError):
    with pytest.raises(kind) as caught, building(Config(config)):
        build()
    return caught.value


@pytest.fixture
def register():
    """Register classes of a test under their names."""
    names = []

    def add(part):
        CODECS.register_module(module=part)
        names.append(part.__name__)

    yield add
    for name in names:
        CODECS.module_dict.pop(name)


class Inner:
    def __init__(self, size, other=1):
        check_number('size', size, least=1)
        check_number('other', other, least=1)


class Outer:
    def __init__(self, parts, only=None):
        for part in parts:
            CODECS.build(dict(part))
        if only is not None:
            CODECS.build(only)


def config_of(parts, **more):
    return {'a': {'b': {'type': 'Outer', 'parts': parts, **more}}}


@pytest.mark.parametrize(
    ('part', 'key'),
    [
        (config_of([{'type': 'Inner', 'size': 0}]), 'a.b.parts[0].size'),
        (
            config_of([{'type': 'Inner', 'size': 1}, {'type': 'Inner', 'size': 0}]),
            'a.b.parts[1].size',
        ),
        (config_of([], only={'type': 'Inner', 'size': 1, 'other': 0}), 'a.b.only.other'),
    ],
)
def test_key_of_the_argument(part, key, register):
    register(Inner)
    register(Outer)
    error = fails(part, lambda: CODECS.build(part['a']['b']))
    assert error.place == ConfigPlace((key,))
    assert error.argument == key.rpartition('.')[2]
    assert error.value == 0


def test_keys_of_equal_parts(register):
    register(Inner)
    part = {'type': 'Inner', 'size': 0}
    error = fails({'a': part, 'b': dict(part)}, lambda: CODECS.build(dict(part)))
    assert error.place.keys == ('a.size', 'b.size')


class Handing:
    def __init__(self, size, part):
        CODECS.build({**part, 'size': size})


def test_key_of_an_argument_that_is_handed_down(register):
    register(Inner)
    register(Handing)
    part = {'type': 'Handing', 'size': 0, 'part': {'type': 'Inner', 'other': 1}}
    error = fails({'a': part}, lambda: CODECS.build(part))
    assert error.place.keys == ('a.size',)


def test_key_without_a_whole_config(register):
    register(Inner)
    register(Outer)
    with pytest.raises(ConfigError) as caught:
        CODECS.build({'type': 'Outer', 'parts': [{'type': 'Inner', 'size': 0}]})
    assert caught.value.place.keys == ('parts[0].size',)


@pytest.mark.parametrize(
    ('codec', 'argument', 'kind', 'problem'),
    [
        ({'stride': 4}, None, '', 'has no key "type"'),
        ({'type': 'CenterPoseCodec', 'strides': 4}, None, 'CenterPoseCodec', 'unexpected keyword'),
        ({'type': 'NoCodec'}, 'type', '', 'is unknown'),
    ],
)
def test_parts_that_fit_no_class(codec, argument, kind, problem, tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text(f'codec = {codec}')
    config = Config.fromfile(str(file))
    with pytest.raises(ConfigError) as caught, building(config):
        CODECS.build(config.codec)
    error = caught.value
    assert problem in error.problem
    assert error.argument == argument
    assert error.place.keys == (('codec.type',) if argument else ('codec',))
    assert error.place.kind == kind
    assert (argument is not None) or error.place.file == str(file)


@pytest.mark.parametrize(
    ('error', 'reason'),
    [
        (ValueError('size is odd'), 'size is odd'),
        (AssertionError('size is odd'), 'size is odd'),
        (TypeError('no len'), 'no len (TypeError)'),
        (RuntimeError('empty'), 'empty (RuntimeError)'),
        (AssertionError(), '(AssertionError)'),
    ],
)
def test_values_at_which_a_part_fails(error, reason, register):
    class Failing:
        def __init__(self, size, rest):
            raise error

    register(Failing)
    part = {'type': 'Failing', 'size': 3, 'rest': [{'a': 1}]}
    found = fails({'part': part}, lambda: CODECS.build(part))
    assert found.problem == f'cannot be built with size=3: {reason}'
    assert found.place == ConfigPlace(('part',), kind='Failing')
    assert found.__cause__ is error


def test_parts_of_other_libraries():
    part = {'type': 'EMAHook', 'ema_type': 'ExponentialMovingAverage', 'begin_iter': -1}
    found = fails({'hooks': [part]}, lambda: HOOKS.build(dict(part)))
    assert found.place.keys == ('hooks[0]',)


@pytest.mark.parametrize(
    ('error', 'expected', 'problem'),
    [
        (RuntimeError('out of memory'), RuntimeError, None),
        (TypeError('got 5'), ConfigError, 'cannot be built: got 5 (TypeError)'),
    ],
)
def test_failures_of_the_runner_itself(error, expected, problem):
    class FailingRunner:
        @classmethod
        def from_cfg(cls, config):
            raise error

    config = Config({'runner_type': FailingRunner})
    with pytest.raises(expected) as caught, building(config):
        RUNNERS.build(config)
    assert getattr(caught.value, 'problem', None) == problem


@pytest.mark.parametrize('error', [KeyError('a'), TypeError('b'), ValueError('c'), DataError('d')])
def test_errors_from_elsewhere_pass(error):
    with pytest.raises(type(error)) as caught, building(Config({})):
        raise error
    assert caught.value is error


def test_mistakes_in_a_part_pass():
    class Broken:
        def __init__(self):
            raise KeyError('a bug')

    with pytest.raises(KeyError, match='a bug'), building(Config({})):
        CODECS.build({'type': Broken})
