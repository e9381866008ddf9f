"""Speed of the networks, as a ratio against a plain evaluation measured in the same run.

Example: ``python benchmarks/forward.py --models dla34 fan_small --out forward.json``
"""

import argparse
import copy
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from plain_network import PlainNetwork
from torch import nn

from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import MODELS

Times = dict[str, dict[str, float]]

CONFIGS = Path(__file__).parents[1] / 'configs' / '_base_' / 'models'
PUBLISHED_MS = {
    'dla34': {'forward': 834.8, 'forward_backward_per_image': 2857.7},
    'fan_small': {'forward': 2413.8, 'forward_backward_per_image': 6604.2},
    'fan_base': {'forward': 2840.8},
    'fan_large': {'forward': 3692.3},
}
"""Milliseconds of TAO PyTorch 6.25.10 at 512×512 in float32, 2 threads on 2 virtual cores of an
Intel Xeon at 2.5 GHz: forward of one image; forward, loss and backward of a batch of two."""


def measure(calls: dict[str, Callable[[], Any]], runs: int) -> Times:
    """Time calls in turn, so that a disturbance hits all of them; milliseconds."""
    walls: dict[str, list[float]] = {name: [] for name in calls}
    cpus: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(runs):
        for name, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            walls[name].append((time.perf_counter() - wall) * 1e3)
            cpus[name].append((time.process_time() - cpu) * 1e3)
    return {
        name: {
            'median_ms': round(statistics.median(walls[name]), 1),
            'min_ms': round(min(walls[name]), 1),
            'max_ms': round(max(walls[name]), 1),
            'median_cpu_ms': round(statistics.median(cpus[name]), 1),
        }
        for name in calls
    }


def train_step(network: nn.Module, images: torch.Tensor) -> None:
    """Compute all gradients of a simple loss."""
    network.zero_grad(set_to_none=True)
    torch.stack([value.square().mean() for value in network(images).values()]).sum().backward()


def compare_model(name: str, side: int, runs: int) -> dict[str, Any]:
    """Measure one model: forward of one image; forward and backward of two, per image."""
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    difference, forward = compare_forward(model.eval(), torch.randn(1, 3, side, side), runs)
    training = compare_training(model.train(), torch.randn(2, 3, side, side), max(1, runs // 2))
    published = PUBLISHED_MS.get(name, {})
    return {
        'max_difference_over_std': difference,
        'forward': forward | _ratios(forward, published.get('forward')),
        'forward_backward_per_image': training
        | _ratios(training, published.get('forward_backward_per_image')),
    }


@torch.inference_mode()
def compare_forward(model: nn.Module, image: torch.Tensor, runs: int) -> tuple[float, Times]:
    """Return the largest difference of the maps, over their deviation, and the times."""
    plain = PlainNetwork(model)
    fused = fuse_for_inference(copy.deepcopy(model))
    expected, maps = plain(image), fused(image)
    difference = max(
        ((maps[key] - expected[key]).abs().max() / expected[key].std()).item() for key in maps
    )
    calls = {
        'plain': lambda: plain(image),
        'cpose': lambda: model(image),
        'cpose_fused': lambda: fused(image),
    }
    return difference, measure(calls, runs)


def compare_training(model: nn.Module, images: torch.Tensor, runs: int) -> Times:
    """Return the times of all gradients, divided by the number of images."""
    plain = PlainNetwork(model)
    calls = {
        'plain': lambda: train_step(plain, images),
        'cpose': lambda: train_step(model, images),
    }
    return {
        name: {field: round(value / len(images), 1) for field, value in times.items()}
        for name, times in measure(calls, runs).items()
    }


def _ratios(times: Times, published: float | None) -> dict[str, float]:
    best = times['cpose_fused' if 'cpose_fused' in times else 'cpose']
    ratios = {'speedup': times['plain']['median_ms'] / best['median_ms']}
    ratios['speedup_cpu_time'] = times['plain']['median_cpu_ms'] / best['median_cpu_ms']
    if published is not None:
        ratios['speedup_over_published'] = published / best['median_ms']
    return {name: round(value, 3) for name, value in ratios.items()}


def main() -> None:
    """Parse the arguments, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--models', nargs='+', default=['dla34', 'fan_small'])
    parser.add_argument('--size', type=int, default=512, help='side of the square input')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--out', type=Path, help='JSON file for the results')
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results: dict[str, Any] = {
        'torch': torch.__version__,
        'threads': arguments.threads,
        'size': arguments.size,
        'load_average_before': os.getloadavg()[0],
        'models': {},
    }
    for name in arguments.models:
        results['models'][name] = compare_model(name, arguments.size, arguments.runs)
    text = json.dumps(results, indent=1)
    if arguments.out:
        arguments.out.write_text(text + '\n')
    sys.stdout.write(text + '\n')


if __name__ == '__main__':
    main()
