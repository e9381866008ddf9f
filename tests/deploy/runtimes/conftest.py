import pytest

from .model_files import tiny_model, write_checkpoint, write_onnx


@pytest.fixture(scope='session')
def model():
    return tiny_model()


@pytest.fixture(scope='session')
def folder(model, tmp_path_factory):
    """``tiny.pth``, ``tiny.onnx`` and ``rgb.onnx``, which takes RGB of 0 to 1."""
    made = tmp_path_factory.mktemp('files')
    write_checkpoint(model, made / 'tiny.pth')
    write_onnx(model, made / 'tiny.onnx')
    write_onnx(model, made / 'rgb.onnx', input_encoding='rgb_0_1')
    return made
