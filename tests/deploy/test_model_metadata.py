import json
import sys
from dataclasses import replace

import onnx
import pytest
from onnx import helper

from cpose.deploy.model_metadata import (
    CHANNELS,
    ModelMetadata,
    attach_metadata,
    metadata_of,
    read_engine_sidecar,
    read_metadata,
    sidecar_path,
    write_engine_sidecar,
)
from cpose.errors import CheckpointError, MissingDependencyError

from ..user_errors import raises
from .contract import OUTPUT_SIZES

METADATA = ModelMetadata(
    cpose_version='1.2.3',
    class_names=('cup', 'mug "großer"'),
    mean=(0.40789654, 0.1, 1 / 3),
    std=(0.28863828, 0.2, 0.3),
    channel_order='bgr',
    input_encoding='normalised',
    stride=4,
    input_wh=(640, 480),
    precision='fp32',
    quantize_target='',
    symmetry='{"type": "NoSymmetry"}',
    config='{"model": {"head": {}}}',
)


def make_model(outputs=tuple(OUTPUT_SIZES), inputs=('input',)):
    sizes = {name: [1, channels, 480, 640] for name, channels in CHANNELS.items()}
    values = {
        name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, sizes.get(name, [1]))
        for name in (*inputs, *outputs)
    }
    nodes = [helper.make_node('Identity', [inputs[0]], [name]) for name in outputs]
    graph = helper.make_graph(nodes, 'g', [values[n] for n in inputs], [values[n] for n in outputs])
    return helper.make_model(graph)


@pytest.fixture
def file(tmp_path):
    model = make_model()
    attach_metadata(model, METADATA)
    onnx.save(model, tmp_path / 'model.onnx')
    return tmp_path / 'model.onnx'


def test_file_round_trip(file):
    assert read_metadata(file) == METADATA
    assert read_metadata(str(file)).input_wh == (640, 480)
    assert read_metadata(file.rename(file.with_name('MODEL.ONNX'))) == METADATA


def test_keys_in_the_file(file):
    stored = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert stored['cpose.channel_order'] == 'bgr'
    assert json.loads(stored['cpose.class_names'])[0] == 'cup'
    assert json.loads(stored['cpose.stride']) == 4
    assert len(stored) == 14


def test_file_of_the_first_release_has_the_outputs_of_the_contract(file):
    model = onnx.load(file)
    entry = next(item for item in model.metadata_props if item.key == 'cpose.outputs')
    model.metadata_props.remove(entry)
    found = metadata_of(model, file)
    assert {name: item['size'] for name, item in found.outputs.items()} == OUTPUT_SIZES
    assert found == METADATA


def test_further_outputs_are_told_by_the_metadata():
    more = {**METADATA.outputs, 'angle': {'size': 2, 'unit': 'cells'}}
    model = make_model((*OUTPUT_SIZES, 'angle'))
    attach_metadata(model, replace(METADATA, outputs=more))
    assert metadata_of(model, 'm').outputs == more
    attach_metadata(model, METADATA)
    with raises(CheckpointError, 'angle'):
        metadata_of(model, 'm')


def test_attaching_again_replaces(file):
    model = onnx.load(file)
    model.metadata_props.add(key='author', value='me')
    attach_metadata(model, replace(METADATA, precision='fp16'))
    assert metadata_of(model, file).precision == 'fp16'
    keys = [entry.key for entry in model.metadata_props]
    assert len(keys) == len(set(keys)) == 15


def test_files_that_are_not_ours(tmp_path):
    file = tmp_path / 'model.onnx'
    with raises(CheckpointError, path=file):
        read_metadata(file)
    file.write_bytes(b'\xff' * 50)
    with raises(CheckpointError, path=file):
        read_metadata(file)
    onnx.save(make_model(('boxes',), ('images', 'sizes')), file)
    with raises(CheckpointError, 'images, sizes', path=file):
        read_metadata(file)
    onnx.save(make_model(), file)
    with raises(CheckpointError, 'cpose.config'):
        read_metadata(file)


def test_damaged_metadata(file):
    model = onnx.load(file)
    next(item for item in model.metadata_props if item.key == 'cpose.mean').value = '[0.1'
    with raises(CheckpointError, path='m'):
        metadata_of(model, 'm')


@pytest.mark.parametrize('value', ['5', '"pre_img"', '[1]'])
def test_damaged_names_of_inputs(file, value):
    model = onnx.load(file)
    model.metadata_props.add(key='cpose.previous_inputs', value=value)
    with raises(CheckpointError, 'previous_inputs', path='m'):
        metadata_of(model, 'm')


def test_missing_package(file, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with raises(MissingDependencyError):
        read_metadata(file)


def test_engine_round_trip(tmp_path):
    engine = tmp_path / 'model.engine'
    engine.write_bytes(b'plan')
    profile = {'min': 1, 'opt': 4, 'max': 8}
    write_engine_sidecar(engine, METADATA, profile, flavor='rtx', version='1.2')
    assert sidecar_path(engine).name == 'model.engine.json'
    found = read_engine_sidecar(engine)
    assert found == {
        'metadata': METADATA, 'profile': profile, 'flavor': 'rtx', 'version': '1.2',
    }  # fmt: skip
    assert read_metadata(engine) == METADATA


def test_engine_without_its_file(tmp_path):
    engine = tmp_path / 'model.plan'
    with raises(CheckpointError, path=tmp_path / 'model.plan'):
        read_metadata(engine)
    engine.write_bytes(b'plan')
    with raises(CheckpointError, path=tmp_path / 'model.plan.json'):
        read_metadata(engine)
    for text in ('{', '[]', '{}', '{"metadata": {"mean": 1}}'):
        sidecar_path(engine).write_text(text)
        with raises(CheckpointError, ''):
            read_metadata(engine)


def as_kind(kind):
    def change(model):
        model.graph.output[1].type.tensor_type.elem_type = kind

    return change


def as_shape(*shape):
    def change(model):
        kind = onnx.TensorProto.FLOAT
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info('input', kind, shape))

    return change


ODD_TENSORS = {
    'whole scores': (as_kind(onnx.TensorProto.INT64), 'scores'),
    'texts': (as_kind(onnx.TensorProto.STRING), 'scores'),
    'half precision': (as_kind(onnx.TensorProto.FLOAT16), 'scores'),
    'channels last': (as_shape(1, 480, 640, 3), 'input'),
    'another size': (as_shape(1, 3, 64, 64), 'input'),
    'no shape': (as_shape(), 'input'),
}


@pytest.mark.parametrize(('change', 'name'), ODD_TENSORS.values(), ids=ODD_TENSORS)
def test_other_tensors_are_refused(file, change, name):
    model = onnx.load(file)
    change(model)
    with raises(CheckpointError, name, path=file):
        metadata_of(model, file)
