import numpy as np
import onnx
import onnxruntime
import pytest

from cpose.deploy.model_metadata import INPUT_NAME, read_metadata
from cpose.deploy.quantization.calibration_ranges import quantize_with_ranges
from cpose.deploy.quantization.quantize import (
    QuantizationSettings,
    quantize_for_ort,
    quantize_model,
)
from cpose.errors import CheckpointError, ConfigError, OutputError

from ...user_errors import raises
from ..contract import OUTPUT_SIZES
from ..small_models import noise_batches, small_metadata, small_model, write_small_model


@pytest.mark.slow
@pytest.mark.parametrize('target', ['ort', 'tensorrt'])
def test_a_network_is_quantised_within_a_bound(target):
    result = quantize_model(*small_model(), noise_batches(), QuantizationSettings(target))
    assert 0 < result.choice.error < 0.2
    assert result.num_quantized > 20
    assert (result.metadata.precision, result.metadata.quantize_target) == ('int8', target)
    assert {entry.key.partition('.')[0] for entry in result.model.metadata_props} == {'cpose'}
    assert len(result.model.SerializeToString()) < 0.6 * len(small_model()[0].SerializeToString())


@pytest.mark.slow
def test_a_file_for_onnx_runtime_runs_there(tmp_path):
    source, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'b.onnx'
    result = quantize_for_ort(source, noise_batches(), out)
    assert read_metadata(out) == small_metadata(precision='int8', quantize_target='ort')
    assert result.named_float == ()
    batch = noise_batches(1, 2, seed=9)[0]
    sessions = [
        onnxruntime.InferenceSession(str(file), providers=['CPUExecutionProvider'])
        for file in (source, out)
    ]
    wanted, found = (session.run(['scores'], {INPUT_NAME: batch})[0] for session in sessions)
    difference = np.abs(found - wanted)
    assert 0 < np.quantile(difference, 0.9) < 0.02  # few change their rank
    names = [item.name for item in sessions[1].get_outputs()]
    assert names == list(OUTPUT_SIZES)


@pytest.mark.slow
def test_ranges_are_measured_once(tmp_path, monkeypatch):
    cache = tmp_path / 'ranges.json'
    settings = QuantizationSettings(cache=cache)
    first = quantize_model(*small_model(), noise_batches(), settings)
    assert first.calibration == f'measured: {cache} is new'
    with monkeypatch.context() as patch:
        patch.setattr('cpose.deploy.quantization.quantize.measure_ranges', None)
        second = quantize_model(*small_model(), noise_batches(), settings)
        other_target = QuantizationSettings('tensorrt', cache=cache)
        quantize_model(*small_model(), noise_batches(), other_target)
    assert second.calibration.startswith('reused: ')
    assert second.model.SerializeToString() == first.model.SerializeToString()
    third = quantize_model(*small_model(), noise_batches(seed=1), settings)
    assert third.calibration == f'measured: {cache} was made with other images'
    fourth = quantize_model(*small_model(), noise_batches(seed=1), settings)
    assert fourth.calibration.startswith('reused: ')


def test_a_cache_that_could_not_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr('cpose.deploy.quantization.quantize.measure_ranges', None)
    (tmp_path / 'file').touch()
    settings = QuantizationSettings(cache=tmp_path / 'file' / 'ranges.json')
    with raises(OutputError, ''):
        quantize_model(*small_model(), noise_batches(), settings)


@pytest.mark.slow
def test_named_nodes_stay_in_float():
    settings = QuantizationSettings(keep_float=('*conv1*',))
    result = quantize_model(*small_model(), noise_batches(), settings)
    everything = quantize_model(*small_model(), noise_batches())
    assert result.named_float
    assert all('conv1' in name for name in result.named_float)
    assert result.num_quantized == everything.num_quantized - len(result.named_float)
    assert result.choice.error < everything.choice.error


@pytest.mark.slow
def test_sensitive_nodes_stay_in_float_until_the_bound_is_met(monkeypatch):
    calls = []

    def counted(*args):
        calls.append(args)
        return quantize_with_ranges(*args)

    plain = quantize_model(*small_model(), noise_batches())
    monkeypatch.setattr('cpose.deploy.quantization.quantize.quantize_with_ranges', counted)
    bound = 0.7 * plain.choice.error
    settings = QuantizationSettings(auto_float=bound)
    result = quantize_model(*small_model(), noise_batches(), settings)
    assert 0 < result.choice.error <= bound
    assert result.choice.nodes
    assert result.num_quantized == plain.num_quantized - len(result.choice.nodes)
    assert len(calls) > len(result.choice.ranking)


def test_what_is_not_fp32_is_refused(tmp_path):
    with raises(CheckpointError, 'fp16'):
        quantize_model(*small_model(precision='fp16'), noise_batches())
    with raises(ConfigError, argument='target', value='gpu'):
        quantize_model(*small_model(), noise_batches(), QuantizationSettings('gpu'))
    source, out = write_small_model(tmp_path / 'a.onnx', precision='int8'), tmp_path / 'b.onnx'
    with pytest.raises(CheckpointError):
        quantize_for_ort(source, noise_batches(), out)
    assert not out.exists()
    assert onnx.load(str(source)).graph.node
