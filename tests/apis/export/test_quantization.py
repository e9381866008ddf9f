import numpy as np
import onnx
import pytest

from cpose.apis.export.quantization import CalibrationSource, find_calibration_images, quantize_file
from cpose.deploy.model_metadata import read_metadata
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.errors import CheckpointError, ConfigError, DataError, OutputError

from ...deploy.small_models import small_model, write_small_model
from ...user_errors import raises

SOURCE = CalibrationSource(batch_size=4, num_batches=2)


@pytest.fixture
def model_file(tmp_path):
    return write_small_model(tmp_path / 'a.onnx')


@pytest.mark.slow
def test_int8_with_a_comparison(model_file, tmp_path):
    out = tmp_path / 'b.onnx'
    result = quantize_file(model_file, out, QuantizationSettings('tensorrt'), SOURCE, 3)
    assert result.quantized.num_quantized > 0
    assert result.before['num_images'] == result.after['num_images'] == 3
    assert read_metadata(out).quantize_target == 'tensorrt'
    assert result.num_bytes == (model_file.stat().st_size, out.stat().st_size)


def test_fp16_without_a_comparison(model_file, tmp_path):
    out = tmp_path / 'b.onnx'
    result = quantize_file(model_file, out, None, SOURCE)
    assert (result.quantized, result.before, result.after) == (None, None, None)
    assert read_metadata(out).precision == 'fp16'
    kinds = {item.data_type for item in onnx.load(str(out)).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds


def test_images_come_from_the_training_data_of_the_file(model_file):
    images = find_calibration_images(*small_model(), model_file, SOURCE)
    assert (images.num_images, images.batch_size) == (8, 4)
    assert images.dataset.seed == 1
    assert next(iter(images)).dtype == np.float32


@pytest.mark.slow
def test_a_fixed_batch_size_is_kept(tmp_path):
    file = write_small_model(tmp_path / 'a.onnx', batch=3)
    images = find_calibration_images(*small_model(3), file, CalibrationSource())
    assert {len(batch) for batch in images} == {3}
    with raises(ConfigError, '3', argument='batch_size', value=4):
        find_calibration_images(*small_model(3), file, SOURCE)
    result = quantize_file(file, tmp_path / 'b.onnx', None, SOURCE, num_eval_images=4)
    assert result.after['num_images'] == 4


def test_refusals_leave_no_file(model_file, tmp_path):
    out = tmp_path / 'b.onnx'
    settings = QuantizationSettings()
    for error, argument, problem, arguments in (
        (ConfigError, 'out', '.onnx', (model_file, tmp_path / 'b.engine', settings, SOURCE)),
        (OutputError, 'out', 'input', (model_file, model_file, settings, SOURCE)),
        (
            DataError,
            'folders',
            '',
            (model_file, out, settings, CalibrationSource((str(tmp_path / 'nowhere'),))),
        ),
        (
            DataError,
            'batch_size',
            '400 images',
            (model_file, out, settings, CalibrationSource(batch_size=400)),
        ),
        (
            ConfigError,
            'keep_float',
            '',
            (model_file, out, QuantizationSettings(keep_float=('x',)), SOURCE),
        ),
    ):
        with raises(error, problem, argument=argument):
            quantize_file(*arguments)
    assert [path.name for path in tmp_path.iterdir()] == ['a.onnx']


def test_an_existing_file_is_replaced_only_on_request(model_file, tmp_path):
    out = tmp_path / 'b.onnx'
    out.write_text('old')
    with raises(OutputError, argument='out', path=out):
        quantize_file(model_file, out, None, SOURCE)
    assert out.read_text() == 'old'
    quantize_file(model_file, out, None, SOURCE, may_replace=True)
    with raises(CheckpointError, 'fp16', path=out):
        quantize_file(out, tmp_path / 'c.onnx', None, SOURCE)
