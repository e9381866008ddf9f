from argparse import ArgumentTypeError

import pytest

from cpose.cli.arguments import (
    non_negative_float,
    non_negative_int,
    plot_file,
    positive_int,
    probability,
)
from cpose.cli.main import build_parser, main


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


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ('tao to-config a.yaml --out c.py x=1', {'spec': 'a.yaml', 'overrides': ['x=1']}),
        ('tao to-config --out c.py a.yaml x=1', {'spec': 'a.yaml', 'overrides': ['x=1']}),
        ('tao train x=1 -e a.yaml y=2', {'spec': 'a.yaml', 'overrides': ['x=1', 'y=2']}),
        ('tao automl x=1 -e a.yaml y=2', {'spec': 'a.yaml', 'overrides': ['x=1', 'y=2']}),
        ('tao model centerpose train -e a.yaml', {'task': 'train', 'spec': 'a.yaml'}),
        ('tao deploy centerpose inference -e a.yaml', {'task': 'inference', 'spec': 'a.yaml'}),
        ('infer - c.pth a.jpg --out x b.jpg', {'config': '-', 'inputs': ['a.jpg', 'b.jpg']}),
        ('test - --dump d.json c.pth', {'config': '-', 'checkpoint': 'c.pth'}),
        ('train --work-dir w c.py', {'config': 'c.py', 'work_dir': 'w'}),
        ('export-onnx - --out a.onnx c.pth', {'config': '-', 'checkpoint': 'c.pth'}),
        ('infer - c.pth --out x -- -odd.jpg', {'checkpoint': 'c.pth', 'inputs': ['-odd.jpg']}),
    ],
)
def test_operands_and_options_in_any_order(words, expected):
    args = vars(build_parser(words.split()).parse_args(words.split()))
    assert {name: args[name] for name in expected} == expected


def test_what_is_too_much_is_refused(capsys):
    with pytest.raises(SystemExit):
        build_parser(['train']).parse_args(['train', 'a.py', '--work-dir', 'w', 'b.py'])
    assert 'unrecognized arguments: b.py' in capsys.readouterr().err
