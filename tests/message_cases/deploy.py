"""Settings of exported models, and files that are none."""

from pathlib import Path
from types import SimpleNamespace

import torch

from cpose.deploy.engines.engine_build import choose_profile
from cpose.deploy.engines.engine_file import check_engine_path, check_for_engine, check_precision
from cpose.deploy.engines.flavors import load_flavor, parse_capability
from cpose.deploy.model_metadata import read_metadata, read_proto
from cpose.deploy.network_inputs import refuse_previous
from cpose.deploy.onnx.export import ExportSettings, check_exportable
from cpose.deploy.onnx.graph_parts import match_nodes
from cpose.deploy.quantization.calibration_cache import CalibrationKey, read_cache
from cpose.deploy.quantization.calibration_images import config_dataset, folder_dataset
from cpose.deploy.quantization.calibration_ranges import find_recipe
from cpose.deploy.runtimes.base import Runtime
from cpose.models.layers.convolutions import ModulatedDeformConv

KEY = CalibrationKey('model', 'images', 'minmax')
FP16 = SimpleNamespace(precision='fp16', quantize_target='', input_wh=(64, 64))
UNSIGNED = SimpleNamespace(precision='int8', quantize_target='ort')
CAPABILITIES = SimpleNamespace(
    __name__='tensorrt_rtx', __version__='1.1', ComputeCapability=SimpleNamespace(SM75=1, SM89=2)
)


def graph_of(*kinds):
    nodes = [SimpleNamespace(name=f'/{kind}_{n}', op_type=kind) for n, kind in enumerate(kinds)]
    return SimpleNamespace(graph=SimpleNamespace(node=nodes))


def with_file(content, call):
    def run(folder):
        file = folder / 'a.onnx'
        file.write_bytes(content)
        call(file)

    return run


def check_network(*modules):
    codec = SimpleNamespace(stride=4, num_select=100)
    network = SimpleNamespace(modules=lambda: modules, head=SimpleNamespace(codec=codec))
    return lambda folder: check_exportable(network, ExportSettings((32, 32), opset=18))


class FixedSize(Runtime):
    """A file for one image of 64×64 pixels."""

    path, batch_limits = Path('a.onnx'), (1, 1)
    metadata = SimpleNamespace(input_wh=(64, 64))

    def run(self, inputs):
        raise AssertionError

    def describe(self):
        return ''


CASES = {
    'engine of a network that reads the frame before': lambda folder: refuse_previous(
        SimpleNamespace(previous_inputs=('pre_img', 'pre_hm')), 'a.onnx', 'an engine'
    ),
    'images of another size': lambda folder: FixedSize()(torch.zeros(1, 3, 64, 96)),
    'more images than a file takes': lambda folder: FixedSize()(torch.zeros(2, 3, 64, 64)),
    'opset for deformable convolutions': check_network(ModulatedDeformConv(1, 1)),
    'input with few cells': check_network(),
    'opset': lambda folder: ExportSettings((512, 512), opset=9),
    'batch': lambda folder: ExportSettings((512, 512), batch=0),
    'side': lambda folder: ExportSettings((512, 500)),
    'batches that contradict each other': lambda folder: choose_profile(None, 9, 4, 8),
    'batches that contradict the file': lambda folder: choose_profile(1, None, 4, None),
    'ending of an engine': lambda folder: check_engine_path('a.onnx', False),
    'engine of deformable convolutions': lambda folder: check_for_engine(
        graph_of('DeformConv', 'Conv'), FP16, 'a.onnx'
    ),
    'engine of unsigned activations': lambda folder: check_for_engine(
        graph_of('Conv'), UNSIGNED, 'a.onnx'
    ),
    'precision of an engine': lambda folder: check_precision('int8', FP16, 'a.onnx'),
    'compute capability for tensorrt': lambda folder: load_flavor('tensorrt', ['89']),
    'compute capability that is unknown': lambda folder: parse_capability(CAPABILITIES, '1.2'),
    'onnx file that is missing': lambda folder: read_proto(folder / 'a.onnx'),
    'onnx file without metadata': lambda folder: read_metadata(folder / 'a.engine'),
    'node that is unknown': lambda folder: match_nodes(['/conv9*'], ['/conv1/Conv', '/conv2/Conv']),
    'target that is unknown': lambda folder: find_recipe('cpu'),
    'cache that is none': with_file(b'{}', lambda file: read_cache(file, KEY)),
    'calibration images that are missing': lambda folder: folder_dataset(['nowhere'], FP16),
    'calibration without images': lambda folder: config_dataset({}, FP16),
}
