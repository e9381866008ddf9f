import copy
import sys

import onnx
import pytest

from cpose.apis.config.load import load_config
from cpose.deploy.model_metadata import metadata_of
from cpose.deploy.onnx import export as onnx_export
from cpose.deploy.onnx.export import ExportSettings, check_exportable, check_packages
from cpose.errors import ConfigError, MissingDependencyError
from cpose.models.backbones import fan

from ...user_errors import raises
from ..contract import OUTPUT_SIZES
from ..networks import check_equal, compare, export, make_network, shapes, tiny, tiny_config


def check_file(graph, batch, width, height, opset):
    assert shapes(graph.graph.input) == {'input': (batch, 3, height, width)}
    assert shapes(graph.graph.output) == {n: (batch, 100, size) for n, size in OUTPUT_SIZES.items()}
    assert list(shapes(graph.graph.output)) == list(OUTPUT_SIZES)
    types = {item.type.tensor_type.elem_type for item in (*graph.graph.input, *graph.graph.output)}
    assert types == {onnx.TensorProto.FLOAT}
    assert [(item.domain, item.version) for item in graph.opset_import] == [('', opset)]
    assert {node.domain for node in graph.graph.node} == {''}


def check_no_constant_work(graph):
    constants = {item.name for item in graph.graph.initializer}
    for node in graph.graph.node:
        assert not constants.issuperset(filter(None, node.input)), f'{node.name} is constant'


WIDE = (96, 64)


@pytest.mark.slow
@pytest.mark.parametrize(('opset', 'batch'), [(16, None), (17, 2), (18, None), (20, 2)])
def test_opset_and_batch(opset, batch):
    graph, model, settings = tiny(opset=opset, batch=batch, input_wh=WIDE)
    check_file(graph, batch or 'batch_size', 96, 64, opset)
    check_no_constant_work(graph)
    check_equal(graph, model, settings)


@pytest.mark.slow
@pytest.mark.parametrize('opset', [17, 18])
def test_inner_shapes_are_known(opset):
    fixed, *_ = tiny(opset=opset, batch=2, input_wh=WIDE)
    assert all(isinstance(n, int) for s in shapes(fixed.graph.value_info).values() for n in s)
    assert not [node.name for node in fixed.graph.node if node.op_type == 'Shape']
    free, *_ = tiny(opset=opset, batch=None, input_wh=WIDE)
    maps = {name: s for name, s in shapes(free.graph.value_info).items() if name.startswith('raw_')}
    assert maps['raw_hps'] == ('batch_size', 16, 16, 24)
    assert len(maps) == 7


BACKBONES = [
    ('dla34_dcn', 19),
    ('fan_small', 18),
    ('convnext_tiny', 18),
    ('mobilenetv4_small', 18),
    ('dla34', 17),
    ('fan_small', 16),
    ('mobilenetv4_small', 16),
]
"""Through both exporters; of the DLA the second gets the one with the harder neck."""


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'opset'), BACKBONES)
def test_backbones(name, opset, monkeypatch):
    """Blocks that only repeat others are left out."""
    for arch, sizes in fan.ARCHS.items():
        shorter = {'stem_blocks': (1, 1), 'num_blocks': 3, 'middle_block': 2}
        monkeypatch.setitem(fan.ARCHS, arch, sizes._replace(**shorter))
    config = load_config(f'_base_/models/{name}')
    config.model.head.update(head_conv=16, use_association=False)
    if name == 'convnext_tiny':
        config.model.backbone.depths = (1, 1, 2, 1)
    model = make_network(config)
    if name == 'dla34_dcn':
        for module in model.modules():
            if hasattr(module, 'conv_offset_mask'):
                module.conv_offset_mask.weight.data.normal_(0, 0.01)
    graph, model, settings = export(config, model, opset=opset)
    check_file(graph, 'batch_size', 64, 64, opset)
    check_no_constant_work(graph)
    check_equal(graph, model, settings)


@pytest.mark.slow
def test_the_model_stays_as_it_is():
    model = make_network(tiny_config())
    before = copy.deepcopy(model.state_dict())
    export(tiny_config(), model, opset=17)
    after = model.state_dict()
    assert all((before[name] == after[name]).all() for name in before)


@pytest.mark.slow
@pytest.mark.parametrize('opset', [16, 18])
def test_simplified_and_half(opset):
    plain, model, settings = tiny(opset=opset, batch=None, input_wh=WIDE)
    slim, *_ = tiny(opset=opset, simplify=True, input_wh=WIDE)
    assert len(slim.graph.node) <= len(plain.graph.node)
    check_file(slim, 'batch_size', *WIDE, opset)
    check_equal(slim, model, settings)
    half, _, settings = tiny(opset=opset, half=True, input_wh=WIDE)
    check_file(half, 'batch_size', *WIDE, opset)
    check_equal(half, model, settings)
    assert half.ByteSize() < 0.8 * plain.ByteSize()
    assert metadata_of(half, '').precision == 'fp16'


@pytest.mark.slow
def test_nothing_tells_of_this_machine():
    graph, *_ = tiny(opset=18, batch=None, input_wh=WIDE)
    assert b'/cpose/' not in graph.SerializeToString()
    assert not any(node.metadata_props or node.doc_string for node in graph.graph.node)


def test_deformable_convolutions_need_an_opset():
    model = make_network(load_config('_base_/models/dla34_dcn'))
    for opset in (16, 18):
        with raises(ConfigError, argument='opset', value=opset) as caught:
            check_exportable(model, ExportSettings((64, 64), opset=opset))
        assert '19' in caught.value.advice[0]
    check_exportable(model, ExportSettings((64, 64), opset=19))


@pytest.mark.parametrize(('opset', 'other'), [(16, '18'), (18, '17')])
def test_a_pytorch_without_the_exporter(monkeypatch, opset, other):
    monkeypatch.setattr(onnx_export.torch.onnx, 'export', lambda model, args, f: None)
    with raises(ConfigError, argument='opset', value=opset) as caught:
        export(tiny_config(), opset=opset)
    assert other in caught.value.advice[0]


def test_too_few_cells():
    with raises(ConfigError, '64 cells', argument='input_wh', value=(32, 32)):
        export(tiny_config(), input_wh=(32, 32))


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxslim', None)
    with raises(MissingDependencyError, 'onnxslim'):
        check_packages()


def test_what_cannot_be_exported(monkeypatch):
    def fail(*values):
        raise onnx_export.torch.onnx.errors.UnsupportedOperatorError('aten::x', 16, 18)

    monkeypatch.setattr(onnx_export, '_trace', fail)
    with raises(ConfigError, 'aten::x', argument='opset', value=16):
        export(tiny_config(), opset=16)


@pytest.mark.slow
def test_further_outputs_follow_those_of_the_contract():
    loss = {'type': 'KLDUncertaintyLoss'}
    config = tiny_config()
    config.merge_from_dict({f'model.head.branches.{name}.loss': loss for name in ('hps', 'scale')})
    graph, model, settings = export(config, opset=17)
    further = {'kps_displacement_std': 16, 'obj_scale_std': 3}
    expected = {**OUTPUT_SIZES, **further}
    assert shapes(graph.graph.output) == {
        name: ('batch_size', 100, size) for name, size in expected.items()
    }
    assert list(shapes(graph.graph.output)) == list(expected)
    check_equal(graph, model, settings)
    assert set(further) <= {line.name for line in compare(graph, model, settings)}
    outputs = metadata_of(graph, 'a.onnx').outputs
    assert {name: item['size'] for name, item in outputs.items()} == expected
    assert outputs['kps_displacement_std']['unit'] == 'cells'
