"""Speed of exported models in ONNX Runtime, beside PyTorch in the same run.

Example: ``python benchmarks/runtimes.py --models dla34 --out runtimes.json``. Without the extra
``deploy`` there are no figures.
"""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from machine import machine_facts
from measure import SAME_RUN, Figure, Timing, benchmark_parser, publish, time_calls
from mmengine.config import Config
from mmengine.registry import DefaultScope

from cpose.cli.command_process import keep_freed_memory
from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import MODELS, RUNTIMES

TITLE = 'Runtimes'

CONFIGS = Path(__file__).parents[1] / 'configs' / '_base_' / 'models'
PACKAGES = ('onnx', 'onnxruntime', 'onnxscript', 'onnxslim')
SIDE, QUICK_SIDE = 512, 128
RUNS = {'dla34': 7, 'fan_small': 3}
CALIBRATION_BATCHES = 2
VNNI = ('avx512_vnni', 'avx_vnni')
"""Instruction sets with products of 8-bit numbers."""


def write_files(config: Config, model: Any, side: int, folder: Path) -> dict[str, Path]:
    """Write the model as ONNX, fp32 and int8, and return the files by precision."""
    from cpose.apis.export.model_export import make_metadata
    from cpose.deploy.onnx.export import ExportSettings, make_onnx
    from cpose.deploy.quantization.quantize import quantize_for_ort

    settings = ExportSettings((side, side))
    files = {precision: folder / f'{precision}.onnx' for precision in ('fp32', 'int8')}
    graph = make_onnx(model, settings, make_metadata(config, model, settings))
    files['fp32'].write_bytes(graph.SerializeToString())
    images = [torch.randn(1, 3, side, side).numpy() for _ in range(CALIBRATION_BATCHES)]
    quantize_for_ort(files['fp32'], images, files['int8'])
    return files


@torch.inference_mode()
def time_runtimes(config: Config, side: int, runs: int) -> dict[str, Timing]:
    """Return the times from a normalised image to detections, by runtime."""
    model = MODELS.build(config.model).eval()
    image = torch.randn(1, 3, side, side)
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(config, model, side, Path(folder))
        runtimes = {
            precision: RUNTIMES.build({'type': 'OnnxRuntime', 'path': path, 'device': 'cpu'})
            for precision, path in files.items()
        }
    fused = fuse_for_inference(model)
    runtimes['torch'] = RUNTIMES.build({'type': 'TorchRuntime', 'model': fused})
    return time_calls({name: lambda run=run: run(image) for name, run in runtimes.items()}, runs, 1)


def compare(label: str, times: dict[str, Timing]) -> list[Figure]:
    """Return the figures of ONNX Runtime beside PyTorch, and of int8 beside fp32."""
    pytorch, fp32, int8 = times['torch'], times['fp32'], times['int8']
    pairs = [
        ('ONNX Runtime fp32', fp32, 'PyTorch, norms folded', pytorch),
        ('ONNX Runtime int8', int8, 'PyTorch, norms folded', pytorch),
        ('ONNX Runtime int8', int8, 'ONNX Runtime fp32', fp32),
    ]
    figures = [
        Figure(f'{label}, {name}', time.median, 'ms', other.median, f'{source} {SAME_RUN}', note)
        for name, time, source, other in pairs
        for note in (time.note if other is pytorch else describe_vnni(),)
    ]
    return [Figure(f'{label}, PyTorch', pytorch.median, 'ms', note=pytorch.note), *figures]


def describe_vnni() -> str:
    """Return in words whether the processor has instructions for int8."""
    sets = machine_facts().get('instruction sets', '').split(', ')
    found = [name for name in VNNI if name in sets]
    return f'the processor has {" and ".join(found)}' if found else 'the processor has no VNNI'


def measure_model(name: str, side: int, runs: int) -> list[Figure]:
    """Measure one model with random weights."""
    torch.manual_seed(0)
    config = Config.fromfile(CONFIGS / f'{name}.py')
    with DefaultScope.overwrite_default_scope('cpose'):
        times = time_runtimes(config, side, runs)
    return compare(f'{name}, {side}×{side}, an image to detections', times)


def main() -> None:
    """Parse the arguments, measure and report."""
    parser = benchmark_parser(__doc__)
    parser.add_argument('--models', nargs='+', default=list(RUNS))
    parser.add_argument('--size', type=int, help=f'side of the input ({SIDE}, quick {QUICK_SIDE})')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--runs', type=int, help=f'runs per network ({RUNS}, quick 2)')
    args = parser.parse_args()
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        sys.stderr.write(f"left out without {missing[0]}: pip install 'cpose[deploy]'\n")
        publish(TITLE, [], args.out)
        return
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    side = args.size or (QUICK_SIDE if args.quick else SIDE)
    figures = []
    for name in args.models:
        runs = args.runs or (2 if args.quick else RUNS.get(name, 3))
        figures += measure_model(name, side, runs)
    publish(TITLE, figures, args.out)


if __name__ == '__main__':
    main()
