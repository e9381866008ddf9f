import os
import re
from dataclasses import replace

import onnx
import pytest

from cpose.deploy.model_metadata import (
    attach_metadata,
    metadata_of,
    write_engine_sidecar,
)
from cpose.deploy.triton_repository import check_triton_files, write_triton_repository
from cpose.errors import CheckpointError, ConfigError, OutputError
from cpose.files.encryption_key import use_key

from ..user_errors import raises
from .contract import OUTPUT_SIZES
from .networks import tiny


@pytest.fixture(scope='module')
def graphs():
    return {batch: tiny(opset=17, batch=batch)[0] for batch in (None, 1)}


def parse(text):
    """Return a Protobuf text as dict; repeated names and lists become lists."""
    tokens = re.findall(r'"[^"]*"|[\w.+-]+|[{}\[\]:,]', text)

    def value():
        token = tokens.pop(0)
        if token == '{':
            return message('}')
        if token == '[':
            items = []
            while tokens[0] != ']':
                items.append(value())
                if tokens[0] == ',':
                    tokens.pop(0)
            tokens.pop(0)
            return items
        return token.strip('"') if not re.fullmatch(r'-?\d+', token) else int(token)

    def message(end):
        found = {}
        while tokens and tokens[0] != end:
            key = tokens.pop(0)
            if tokens[0] == ':':
                tokens.pop(0)
            assert key not in found
            found[key] = value()
        if tokens:
            tokens.pop(0)
        return found

    return message(None)


def tensors(config, key):
    assert {item['data_type'] for item in config[key]} == {'TYPE_FP32'}
    return {item['name']: item['dims'] for item in config[key]}


@pytest.mark.slow
@pytest.mark.parametrize('batch', [None, 1])
def test_onnx(tmp_path, graphs, batch):
    onnx.save(graphs[batch], tmp_path / 'cup.onnx')
    folder = write_triton_repository(tmp_path / 'cup.onnx', tmp_path / 'models', 'pose')
    assert folder == tmp_path / 'models' / 'pose'
    assert (folder / '1' / 'model.onnx').read_bytes() == (tmp_path / 'cup.onnx').read_bytes()
    config = parse((folder / 'config.pbtxt').read_text())
    first = [1] if batch else []
    assert config['name'] == 'pose'
    assert config['platform'] == 'onnxruntime_onnx'
    assert config['max_batch_size'] == (0 if batch else 8)
    assert ('dynamic_batching' in config) == (batch is None)
    assert config['version_policy'] == {'specific': {'versions': [1]}}
    assert tensors(config, 'input') == {'input': [*first, 3, 64, 64]}
    expected = {name: [*first, 100, size] for name, size in OUTPUT_SIZES.items()}
    assert tensors(config, 'output') == expected
    assert list(tensors(config, 'output')) == list(expected)


@pytest.mark.slow
@pytest.mark.parametrize(('profile', 'dims'), [((1, 1), [1, 3, 64, 64]), ((1, 4), [3, 64, 64])])
def test_engine(tmp_path, graphs, profile, dims):
    engine = tmp_path / 'cup.engine'
    engine.write_bytes(b'plan')
    metadata = metadata_of(graphs[1], '')
    write_engine_sidecar(engine, metadata, {'min': profile[0], 'opt': 1, 'max': profile[1]})
    folder = write_triton_repository(engine, tmp_path, 'pose')
    assert (folder / '1' / 'model.plan').read_bytes() == b'plan'
    config = parse((folder / 'config.pbtxt').read_text())
    assert config['platform'] == 'tensorrt_plan'
    assert config['max_batch_size'] == (0 if len(dims) == 4 else 4)
    assert tensors(config, 'input') == {'input': dims}


def test_name_with_a_quote(tmp_path, graphs):
    onnx.save(graphs[1], tmp_path / 'cup.onnx')
    folder = write_triton_repository(tmp_path / 'cup.onnx', tmp_path, 'a "b')
    assert folder.name == 'a "b'
    assert (folder / 'config.pbtxt').read_text().startswith('name: "a \\"b"\nplatform:')


def test_another_number_of_detections(tmp_path, graphs):
    graph = onnx.ModelProto()
    graph.CopyFrom(graphs[1])
    metadata = metadata_of(graph, '')
    text = '{"model": {"head": {"codec": {"num_select": 40}}}}'
    attach_metadata(graph, replace(metadata, config=text))
    onnx.save(graph, tmp_path / 'cup.onnx')
    folder = write_triton_repository(tmp_path / 'cup.onnx', tmp_path, 'pose')
    config = parse((folder / 'config.pbtxt').read_text())
    assert tensors(config, 'output')['scores'] == [1, 40, 1]


def test_refusals(tmp_path, graphs):
    file = tmp_path / 'cup.onnx'
    file.write_bytes(b'')
    with raises(CheckpointError, path=file):
        write_triton_repository(file, tmp_path, 'pose')
    assert list(tmp_path.iterdir()) == [file]
    onnx.save(graphs[1], file)
    write_triton_repository(file, tmp_path, 'pose')
    with raises(OutputError, argument='out'):
        write_triton_repository(file, tmp_path, 'pose')
    write_triton_repository(file, tmp_path, 'pose', may_replace=True)
    with raises(OutputError, argument='triton'):
        write_triton_repository(file, file, 'pose')


def test_what_triton_does_not_run(tmp_path, graphs):
    metadata = replace(metadata_of(graphs[1], ''), precision='int8', quantize_target='tensorrt')
    graph = onnx.ModelProto()
    graph.CopyFrom(graphs[1])
    attach_metadata(graph, metadata)
    onnx.save(graph, tmp_path / 'cup.onnx')
    with raises(CheckpointError, 'quantised'):
        write_triton_repository(tmp_path / 'cup.onnx', tmp_path / 'models', 'pose')
    engine, profile = tmp_path / 'cup.engine', {'min': 1, 'opt': 1, 'max': 4}
    engine.write_bytes(b'plan')
    write_engine_sidecar(engine, metadata, profile, flavor='rtx')
    with raises(CheckpointError, 'RTX'):
        write_triton_repository(engine, tmp_path / 'models', 'pose')
    assert not (tmp_path / 'models').exists()
    write_engine_sidecar(engine, metadata, {'min': 2, 'opt': 4, 'max': 8}, flavor='tensorrt')
    with raises(CheckpointError, '2 to 8'):
        write_triton_repository(engine, tmp_path / 'models', 'pose')
    write_engine_sidecar(engine, metadata, {'min': 2}, flavor='tensorrt')
    with raises(CheckpointError, field='profile'):
        write_triton_repository(engine, tmp_path / 'models', 'pose')
    write_engine_sidecar(engine, metadata, profile, flavor='tensorrt')
    write_triton_repository(engine, tmp_path / 'models', 'pose')


def test_a_repository_is_checked_before_the_work(tmp_path, monkeypatch):
    models = tmp_path / 'models'
    check_triton_files(models, 'pose', is_onnx=True, may_replace=False)
    assert not models.exists()
    (models / 'pose' / '1').mkdir(parents=True)
    (models / 'pose' / '1' / 'model.onnx').touch()
    check_triton_files(models, 'pose', is_onnx=False, may_replace=False)
    check_triton_files(models, 'pose', is_onnx=True, may_replace=True)
    with raises(OutputError, argument='out'):
        check_triton_files(models, 'pose', is_onnx=True, may_replace=False)
    with use_key('secret'), raises(ConfigError, argument='triton'):
        check_triton_files(models, 'other', is_onnx=True, may_replace=False)
    (tmp_path / 'file').touch()
    with raises(OutputError, argument='triton'):
        check_triton_files(tmp_path / 'file', 'pose', is_onnx=True, may_replace=False)
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with raises(OutputError, 'models', argument='triton'):
        check_triton_files(models, 'other', is_onnx=True, may_replace=False)
