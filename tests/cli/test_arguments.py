from argparse import ArgumentTypeError

import pytest

from cpose.cli.arguments import (
    non_negative_float,
    non_negative_int,
    plot_file,
    positive_int,
    probability,
)
from cpose.cli.main import main


def usage_of(command, capsys):
    with pytest.raises(SystemExit):
        main([command, '--help'])
    return ' '.join(capsys.readouterr().out.split())


@pytest.mark.parametrize('command', ['train', 'test', 'infer', 'export-onnx', 'print-config'])
def test_the_config_of_a_checkpoint_is_offered_where_there_is_one(command, capsys):
    usage = usage_of(command, capsys)
    assert ("'-' takes it from the checkpoint" in usage) == (' CHECKPOINT ' in usage)
    assert '--cfg-options' in usage


@pytest.mark.parametrize(('command', 'kind'), [('infer', '.onnx'), ('export-onnx', '.tlt')])
def test_kinds_of_checkpoints(command, kind, capsys):
    usage = usage_of(command, capsys)
    kinds = usage[usage.index(' CHECKPOINT ') :]
    assert ('a TensorRT engine' in kinds) == (command == 'infer')
    assert kind in kinds


def test_numbers_are_parsed():
    assert positive_int('3') == 3
    assert probability('0.25') == 0.25
    assert non_negative_int('0') == 0
    assert non_negative_float('2.5') == 2.5
    assert plot_file('a/b.PDF') == 'a/b.PDF'
    assert plot_file('/dev/null') == '/dev/null'


@pytest.mark.parametrize(
    ('parse', 'text'),
    [
        (positive_int, '0'),
        (positive_int, 'x'),
        (probability, '1.5'),
        (probability, ''),
        (non_negative_int, '-1'),
        (non_negative_float, 'nan'),
        (non_negative_float, 'inf'),
        (non_negative_float, '-0.5'),
        (plot_file, 'plot.jpeg'),
    ],
)
def test_others_are_refused(parse, text):
    with pytest.raises(ArgumentTypeError, match='is not a'):
        parse(text)
