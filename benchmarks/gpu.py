"""Speed of training and inference on a GPU, beside plain float32 in the same run.

Example: ``python benchmarks/gpu.py --models dla34 --out gpu.json``. Without a GPU there are no
figures, except with ``--device cpu``.
"""

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from forward import build_model, train_step
from measure import SAME_RUN, Figure, Timing, benchmark_parser, publish, time_call, time_calls
from plain_network import PlainNetwork
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cpose.engine.acceleration import compile_network
from cpose.models.layers.fuse import fuse_for_inference

TITLE = 'On a GPU'

SIDE, QUICK_SIDE = 512, 128
TRAINING_BATCH, QUICK_TRAINING_BATCH = 16, 2
BATCHES, QUICK_BATCHES = (1, 8, 64), (1,)
MATRIX_SIDE, QUICK_MATRIX_SIDE = 8192, 512
PLAIN = 'plain'
DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}
COMPILED = ', compiled'
MODES = ('fp32', 'fp16', 'bf16', f'bf16{COMPILED}')

Call = Callable[[], Any]


@dataclass(frozen=True)
class Bench:
    """Where and how often is measured.

    Attributes:
        device: What computes.
        side: Of the square input, pixels.
        runs: Per call.
        modes: Of `MODES`.
        peaks: Measured FLOP/s of matrix products, by data type.
    """

    device: torch.device
    side: int
    runs: int
    modes: Sequence[str]
    peaks: Mapping[torch.dtype, float]

    def images(self, count: int) -> torch.Tensor:
        """Return random images."""
        return torch.randn(count, 3, self.side, self.side, device=self.device)

    def finished(self, call: Call) -> Call:
        """Return a call that ends when the device has finished."""
        return partial(_call_and_wait, call, self.device)


def _call_and_wait(call: Call, device: torch.device) -> None:
    call()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def dtype_of(mode: str) -> torch.dtype:
    """Return the data type in which a mode computes."""
    return DTYPES[mode.removesuffix(COMPILED)]


def measure_peak(device: torch.device, dtype: torch.dtype, side: int) -> float:
    """Return the FLOP/s of the product of two square matrices.

    Those in float32 are rounded to TF32 where the device has it, as PyTorch's convolutions are.
    """
    factors = torch.randn(2, side, side, device=device).to(dtype)
    usual = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('high')
    timing = time_call(partial(_call_and_wait, partial(torch.mm, *factors), device), 5)
    torch.set_float32_matmul_precision(usual)
    return 2e3 * side**3 / timing.median


def make_training(model: nn.Module, images: torch.Tensor, mode: str) -> Call:
    """Return a training step as ``--amp`` and the config key ``compile`` make it."""
    network = copy.deepcopy(model).train()
    compile_network(network, mode.endswith(COMPILED))
    return partial(_autocast_step, network, images, dtype_of(mode))


def _autocast_step(network: nn.Module, images: torch.Tensor, dtype: torch.dtype) -> None:
    is_half = dtype != torch.float32
    with torch.autocast(images.device.type, dtype if is_half else None, enabled=is_half):
        train_step(network, images)


def make_inference(model: nn.Module, images: torch.Tensor, mode: str) -> Call:
    """Return a forward pass with folded norms."""
    network = fuse_for_inference(copy.deepcopy(model).eval()).to(dtype_of(mode))
    compile_network(network, mode.endswith(COMPILED))
    return torch.inference_mode()(partial(network, images.to(dtype_of(mode))))


def measure_calls(
    label: str, make: Callable[[str], Call], plain: Call, bench: Bench, count: int, unit: str
) -> list[Figure]:
    """Measure a kind of call in every mode, beside the plain network.

    Args:
        label: What is measured.
        make: Returns the call in a mode.
        plain: The call of the plain network, in float32 and with the channels first.
        bench: Where and how.
        count: Images of a call.
        unit: 'images/s', or 'ms' of a call.
    """
    calls = {mode: bench.finished(make(mode)) for mode in bench.modes}
    times = time_calls({PLAIN: bench.finished(plain), **calls}, bench.runs)
    flops = count_flops(plain)
    return [
        Figure(
            f'{label}, {mode}',
            _in_unit(times[mode], count, unit),
            unit,
            _in_unit(times[PLAIN], count, unit),
            f'plain network in fp32 {SAME_RUN}',
            f'{describe_share(flops, times[mode], bench.peaks[dtype_of(mode)])}'
            f'{describe_memory(call, bench.device)}',
        )
        for mode, call in calls.items()
    ]


def _in_unit(timing: Timing, count: int, unit: str) -> float:
    return timing.median if unit == 'ms' else 1e3 * count / timing.median


def count_flops(call: Call) -> int:
    """Return the floating-point operations of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def describe_share(flops: int, timing: Timing, peak: float) -> str:
    """Return in words how near a call comes to the rate of matrix products."""
    rate = 1e3 * flops / timing.median
    return f'{rate / 1e12:.3g} TFLOP/s, {rate / peak:.0%} of a matrix product'


def describe_memory(call: Call, device: torch.device) -> str:
    """Return in words how much memory a call needs at most."""
    if device.type != 'cuda':
        return ''
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    most = torch.cuda.max_memory_allocated(device) - before
    return f', {most / 2**30:.2f} GiB beside weights and gradients'


def measure_model(
    name: str, bench: Bench, training_batch: int, batches: Sequence[int]
) -> list[Figure]:
    """Measure one model with random weights."""
    model = build_model(name).to(bench.device)
    plain = PlainNetwork(copy.deepcopy(model).to(memory_format=torch.contiguous_format))
    label = f'{name}, {bench.side}×{bench.side}'
    images = bench.images(training_batch)
    figures = measure_calls(
        f'{label}, training with {training_batch} images',
        partial(make_training, model, images),
        partial(train_step, plain.train(), images),
        bench,
        training_batch,
        'images/s',
    )
    plain.zero_grad(set_to_none=True)
    for count in batches:
        images = bench.images(count)
        figures += measure_calls(
            f'{label}, {count} images forward',
            partial(make_inference, model, images),
            torch.inference_mode()(partial(plain.eval(), images)),
            bench,
            count,
            'ms',
        )
    return figures


def main() -> None:
    """Parse the arguments, measure and report."""
    parser = benchmark_parser(__doc__)
    parser.add_argument('--models', nargs='+', default=['dla34', 'fan_small'])
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=MODES)
    parser.add_argument('--size', type=int, help=f'side of the input ({SIDE}, quick {QUICK_SIDE})')
    parser.add_argument('--runs', type=int, help='runs per call (20, quick 2)')
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == 'cuda' and not torch.cuda.is_available():
        sys.stderr.write('left out without a GPU; --device cpu measures the processor\n')
        publish(TITLE, [], args.out)
        return
    torch.backends.cudnn.benchmark = True
    matrix = QUICK_MATRIX_SIDE if args.quick else MATRIX_SIDE
    peaks = {dtype: measure_peak(device, dtype, matrix) for dtype in map(dtype_of, args.modes)}
    side = args.size or (QUICK_SIDE if args.quick else SIDE)
    bench = Bench(device, side, args.runs or (2 if args.quick else 20), args.modes, peaks)
    batch = QUICK_TRAINING_BATCH if args.quick else TRAINING_BATCH
    batches = QUICK_BATCHES if args.quick else BATCHES
    figures = [
        figure for name in args.models for figure in measure_model(name, bench, batch, batches)
    ]
    publish(TITLE, figures, args.out)


if __name__ == '__main__':
    main()
