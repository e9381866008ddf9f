"""Speed of the networks, beside a plain evaluation measured in the same run.

Example: ``python benchmarks/forward.py --models dla34 fan_small --out forward.json``
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import SAME_RUN, TAO_MACHINE, Figure, Timing, benchmark_parser, publish, time_calls
from mmengine.config import Config
from plain_network import PlainNetwork
from torch import nn

from cpose.engine.process_memory import keep_freed_memory
from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import MODELS

TITLE = 'Networks'

CONFIGS = Path(__file__).parents[1] / 'configs' / '_base_' / 'models'
REFERENCE_MS = {
    'dla34': {'forward': 834.8, 'training': 2857.7},
    'fan_small': {'forward': 2413.8, 'training': 6604.2},
    'fan_base': {'forward': 2840.8},
    'fan_large': {'forward': 3692.3},
}
"""Milliseconds per image of TAO PyTorch 6.25.10 at 512×512 in float32, 2 threads on 2 virtual cores
of an Intel Xeon at 2.5 GHz: forward of one image; forward, loss and backward of a batch of two."""
REFERENCE_SIDE = 512
TRAINING_BATCH = 2


def train_step(network: nn.Module, images: torch.Tensor) -> None:
    """Compute all gradients of a simple loss."""
    network.zero_grad(set_to_none=True)
    torch.stack([value.square().mean() for value in network(images).values()]).sum().backward()


@torch.inference_mode()
def time_forward(model: nn.Module, image: torch.Tensor, runs: int) -> tuple[dict[str, Timing], str]:
    """Return the times of the plain, the trained and the fused network, and their difference."""
    plain = PlainNetwork(model)
    fused = fuse_for_inference(copy.deepcopy(model))
    expected, maps = plain(image), fused(image)
    difference = max(
        ((maps[key] - expected[key]).abs().max() / expected[key].std()).item() for key in maps
    )
    calls: dict[str, Callable[[], Any]] = {
        'plain': lambda: plain(image),
        'unfused': lambda: model(image),
        'here': lambda: fused(image),
    }
    return time_calls(calls, runs, 1), f'maps differ by {difference:.0e} of their deviation'


def time_training(model: nn.Module, images: torch.Tensor, runs: int) -> dict[str, Timing]:
    """Return the times of all gradients, per image."""
    plain = PlainNetwork(model)
    calls: dict[str, Callable[[], Any]] = {
        'plain': lambda: train_step(plain, images),
        'here': lambda: train_step(model, images),
    }
    return {name: time.per(len(images)) for name, time in time_calls(calls, runs, 1).items()}


def compare(
    name: str, times: dict[str, Timing], reference: float | None, note: str = ''
) -> list[Figure]:
    """Return the figures beside the plain network and, where there is one, the reference."""
    here, plain = times['here'], times['plain']
    source = f'plain network {SAME_RUN}'
    figures = [Figure(name, here.median, 'ms', plain.median, source, note or here.note)]
    if reference is not None:
        figures.insert(0, Figure(name, here.median, 'ms', reference, TAO_MACHINE, here.note))
    busy = f'{name}, processor time'
    return [*figures, Figure(busy, here.processor, 'ms', plain.processor, source, 'of all threads')]


def measure_model(name: str, side: int, runs: int) -> list[Figure]:
    """Measure one model: forward of one image; forward and backward of two, per image."""
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    reference = REFERENCE_MS.get(name, {}) if side == REFERENCE_SIDE else {}
    forward, note = time_forward(model.eval(), torch.randn(1, 3, side, side), runs)
    images = torch.randn(TRAINING_BATCH, 3, side, side)
    training = time_training(model.train(), images, max(1, runs // 2))
    label = f'{name}, {side}×{side}'
    unfused = {'plain': forward['plain'], 'here': forward['unfused']}
    return [
        *compare(f'{label}, an image forward', forward, reference.get('forward'), note),
        compare(f'{label}, an image forward without folded norms', unfused, None)[0],
        *compare(f'{label}, an image forward and backward', training, reference.get('training')),
    ]


def main() -> None:
    """Parse the arguments, measure and report."""
    parser = benchmark_parser(__doc__)
    parser.add_argument('--models', nargs='+', default=['dla34', 'fan_small'])
    parser.add_argument('--size', type=int, help='side of the square input (512, quick 128)')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--runs', type=int, help='runs per network (5, quick 2)')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    side = args.size or (128 if args.quick else REFERENCE_SIDE)
    runs = args.runs or (2 if args.quick else 5)
    figures = [figure for name in args.models for figure in measure_model(name, side, runs)]
    publish(TITLE, figures, args.out)


if __name__ == '__main__':
    main()
