from argparse import ArgumentParser
from pathlib import Path

import pytest

from cpose.cli.model_file_arguments import (
    add_calibration,
    read_calibration,
    refuse_calibration,
)
from cpose.errors import ConfigError

from ..user_errors import raises


def parse(*words):
    parser = ArgumentParser()
    add_calibration(parser)
    return parser.parse_args(words)


def test_words_become_settings():
    source, settings = read_calibration(
        parse(
            *('--data', 'a', 'b', '--calib-batch-size', '2', '--calib-batches', '3'),
            *('--calib-cache', 'c.json', '--keep-float', 'x', 'y*', '--auto-float', '0.2'),
        ),
        'tensorrt',
    )
    assert (source.folders, source.batch_size, source.num_batches) == (('a', 'b'), 2, 3)
    assert (settings.target, settings.keep_float) == ('tensorrt', ('x', 'y*'))
    assert (settings.auto_float, settings.cache) == (0.2, Path('c.json'))


def test_defaults_leave_the_choice_to_the_library():
    source, settings = read_calibration(parse(), 'ort')
    assert (source.folders, source.batch_size, source.num_batches) == ((), None, None)
    assert (settings.keep_float, settings.auto_float, settings.cache) == ((), None, None)
    assert read_calibration(parse('--auto-float'), 'ort')[1].auto_float == 0.1


def test_they_belong_to_int8():
    refuse_calibration(parse(), 'fp16')
    with raises(ConfigError, 'INT8', argument='data', value=['a']):
        refuse_calibration(parse('--data', 'a', '--calib-batches', '3'), 'fp16')


@pytest.mark.parametrize('text', ['0', '-1', 'nan', 'inf', 'much'])
def test_a_bound_is_above_zero(text, capsys):
    with pytest.raises(SystemExit):
        parse('--auto-float', text)
    assert f'{text!r} is not a finite number above 0' in capsys.readouterr().err
