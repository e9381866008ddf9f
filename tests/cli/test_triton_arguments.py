from argparse import ArgumentParser

import pytest

from cpose.cli.model_file_arguments import add_triton, check_triton, write_triton
from cpose.errors import OutputError

from ..deploy.small_models import write_small_model
from ..user_errors import raises


@pytest.fixture
def parse(tmp_path):
    """Parse words of a command that writes ``pose.onnx``."""
    parser = ArgumentParser()
    parser.set_defaults(out=str(write_small_model(tmp_path / 'pose.onnx')), force=False)
    add_triton(parser)
    return lambda *words: parser.parse_args([str(word) for word in words])


def test_without_the_option_nothing_is_written(parse, tmp_path, capsys):
    check_triton(parse(), is_onnx=True)
    write_triton(parse())
    assert not capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ['pose.onnx']


def test_the_model_has_the_name_of_its_file(parse, tmp_path, capsys):
    args = parse('--triton', tmp_path / 'models')
    check_triton(args, is_onnx=True)
    write_triton(args)
    assert (tmp_path / 'models/pose/1/model.onnx').is_file()
    assert capsys.readouterr().out == f'Triton model repository: {tmp_path / "models/pose"}\n'
    with raises(OutputError, path=tmp_path / 'models/pose/1/model.onnx'):
        check_triton(args, is_onnx=True)
    args.force = True
    check_triton(args, is_onnx=True)
    write_triton(args)
