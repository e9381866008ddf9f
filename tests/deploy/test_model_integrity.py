"""A deployed model that is not what was written is refused."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cpose.deploy.model_integrity import (
    CHECKSUM_KEY,
    check_weights,
    remove_checksum,
    sealed_model,
)
from cpose.deploy.model_metadata import attach_metadata, metadata_of, read_proto
from cpose.errors import CheckpointError

from ..user_errors import raises
from .test_model_metadata import METADATA, make_model


@pytest.fixture
def model():
    made = make_model()
    made.graph.initializer.append(numpy_helper.from_array(np.arange(500.0), 'w'))
    attach_metadata(made, METADATA)
    return made


def test_a_byte_that_changed(model, tmp_path):
    """Wherever it is; in the checksum itself it is seen too."""
    file = tmp_path / 'model.onnx'
    content = sealed_model(model)
    file.write_bytes(content)
    assert metadata_of(read_proto(file), file) == METADATA
    positions = np.random.default_rng(0).integers(0, len(content), 200).tolist()
    unseen = []
    for position in [*positions, len(content) - 1, len(content) - 40]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        file.write_bytes(damaged)
        try:
            read_proto(file)
        except CheckpointError:
            continue
        unseen.append(position)
    assert all(position >= len(content) - 82 for position in unseen)


def test_a_model_that_is_changed_gets_a_new_checksum(model, tmp_path):
    file = tmp_path / 'model.onnx'
    file.write_bytes(sealed_model(model))
    changed = read_proto(file)
    changed.producer_name = 'me'
    onnx.save(changed, file)
    with raises(CheckpointError, 'checksum', path=file):
        read_proto(file)
    remove_checksum(changed)
    onnx.save(changed, file)
    assert read_proto(file).producer_name == 'me'
    attach_metadata(changed, METADATA)
    first, second = sealed_model(changed), sealed_model(changed)
    assert first == second
    assert first.count(CHECKSUM_KEY.encode()) == 1


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('kind', [np.float32, np.float16])
def test_weights_that_are_no_numbers(model, tmp_path, value, kind):
    file = tmp_path / 'model.onnx'
    values = np.zeros(5, kind)
    values[3] = value
    model.graph.initializer.append(numpy_helper.from_array(values, 'bad'))
    file.write_bytes(sealed_model(model))
    with raises(CheckpointError, 'bad', path=file):
        read_proto(file)


def test_a_constant_may_be_infinite(model, tmp_path):
    file = tmp_path / 'model.onnx'
    for number, values in enumerate((np.array(-np.inf), np.full(3, np.inf), np.zeros(0))):
        model.graph.initializer.append(numpy_helper.from_array(values, f'c{number}'))
    file.write_bytes(sealed_model(model))
    read_proto(file)


def test_weights_in_another_file(model, tmp_path):
    file = tmp_path / 'model.onnx'
    onnx.save(model, file, save_as_external_data=True, location='w.bin', size_threshold=0)
    with raises(CheckpointError, 'in another file', path=file):
        read_proto(file)


def test_constants_in_another_file(model, tmp_path):
    """ONNX Runtime would read any file of this machine that the model names."""
    constant = numpy_helper.from_array(np.ones(4, np.float32), 'inner')
    constant.data_location = onnx.TensorProto.EXTERNAL
    constant.external_data.add(key='location', value='/etc/passwd')
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node('Constant', [], ['c'], value=constant)], 'branch', [], []
    )
    model.graph.node.append(onnx.helper.make_node('If', ['x'], ['y'], then_branch=branch))
    with raises(CheckpointError, 'inner in another file', path=tmp_path / 'a.onnx'):
        check_weights(model, tmp_path / 'a.onnx')


def test_metadata_that_is_no_text(model, tmp_path):
    content = model.SerializeToString().replace(b'cpose.stride', b'cpose.\xfftride')
    (tmp_path / 'a.onnx').write_bytes(content)
    with raises(CheckpointError, 'is no text', path=tmp_path / 'a.onnx'):
        read_proto(tmp_path / 'a.onnx')


def cut(tensor):
    tensor.raw_data = tensor.raw_data[:-1]


def name_no_type(tensor):
    tensor.data_type = 39


def grow(tensor):
    tensor.dims[0] = 1 << 40


@pytest.mark.parametrize('damage', [cut, name_no_type, grow])
def test_weights_that_are_no_arrays(model, tmp_path, damage):
    """Files of the first release have no checksum."""
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), 'spoilt'))
    damage(model.graph.initializer[-1])
    with raises(CheckpointError, 'spoilt', path=tmp_path / 'a.onnx'):
        check_weights(model, tmp_path / 'a.onnx')


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        *[('mean', value) for value in ('[0.1, 0.2]', '[1, 2, NaN]', '"abc"', '[1, 2, Infinity]')],
        *[('std', value) for value in ('[0.1, 0.2, 0]', '[0.1, 0.2, -1]', '[1, 1, 1e400]')],
        *[('stride', value) for value in ('0', '-4', '4.5', '1000', 'true', '[4]')],
        *[('input_wh', value) for value in ('[64]', '[64, 0]', '64', '[64, 1000000]', '["a", 64]')],
        *[('class_names', value) for value in ('[]', '"cup"', '[5]', '{"a": 1}')],
        *[('outputs', value) for value in ('{}', '{"bboxes": 4}', '{"bboxes": {"size": 0}}')],
        *[('channel_order', 'xyz'), ('input_encoding', ''), ('precision', 'fp8')],
        *[('quantize_target', 'toaster'), ('symmetry', 'x'), ('config', '{')],
    ],
)
def test_metadata_out_of_range(model, name, value):
    item = next(item for item in model.metadata_props if item.key == f'cpose.{name}')
    item.value = value
    with raises(CheckpointError, name):
        metadata_of(model, 'm')
