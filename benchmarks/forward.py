"""Speed of the networks, beside a plain evaluation measured in the same run.

The plain one runs in a process of its own, in which the C library treats memory as it usually does;
commands of cpose, and the networks here, keep what is freed.

Example: ``python benchmarks/forward.py --models dla34 fan_small --out forward.json``
"""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from measure import SAME_RUN, TAO_MACHINE, Figure, Timing, benchmark_parser, publish, time_calls
from mmengine.config import Config
from other_process import other_process
from plain_network import PlainNetwork
from torch import nn

from cpose.cli.command_process import keep_freed_memory
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


def build_model(name: str) -> nn.Module:
    """Return a model of the zoo with random weights, always the same."""
    torch.manual_seed(0)
    return MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)


@torch.inference_mode()
def time_forward(
    model: nn.Module, plain_call: Callable[[], Any], image: torch.Tensor, runs: int
) -> tuple[dict[str, Timing], str]:
    """Return the times of the plain, the trained and the fused network, and their difference."""
    fused = fuse_for_inference(copy.deepcopy(model))
    expected, maps = PlainNetwork(model)(image), fused(image)
    difference = max(
        ((maps[key] - expected[key]).abs().max() / expected[key].std()).item() for key in maps
    )
    calls: dict[str, Callable[[], Any]] = {
        'plain': plain_call,
        'unfused': lambda: model(image),
        'here': lambda: fused(image),
    }
    return time_calls(calls, runs, 2), f'maps differ by {difference:.0e} of their deviation'


def make_plain(name: str, threads: int) -> nn.Module:
    """Return the plain network, with the channels first in memory."""
    torch.set_num_threads(threads)
    return PlainNetwork(build_model(name).to(memory_format=torch.contiguous_format))


def make_plain_forward(name: str, image: torch.Tensor, threads: int) -> Callable[[], Any]:
    """Return the forward pass of the plain network, for a process of its own."""
    return torch.inference_mode()(partial(make_plain(name, threads).eval(), image))


def make_plain_step(name: str, images: torch.Tensor, threads: int) -> Callable[[], Any]:
    """Return the training step of the plain network, for a process of its own."""
    return partial(train_step, make_plain(name, threads).train(), images)


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
    model, threads = build_model(name), torch.get_num_threads()
    reference = REFERENCE_MS.get(name, {}) if side == REFERENCE_SIDE else {}
    image, images = (torch.randn(count, 3, side, side) for count in (1, TRAINING_BATCH))
    with other_process(make_plain_forward, name, image, threads) as plain:
        forward, note = time_forward(model.eval(), plain, image, runs)
    with other_process(make_plain_step, name, images, threads) as plain:
        calls = {'plain': plain, 'here': partial(train_step, model.train(), images)}
        steps = time_calls(calls, max(1, runs // 2), 1)
    training = {kind: time.per(TRAINING_BATCH) for kind, time in steps.items()}
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
