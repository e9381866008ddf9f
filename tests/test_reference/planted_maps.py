"""Rebuild the maps of the decoding vectors from their seed and their planted peaks."""

import numpy as np
import torch

VALUE_RANGES = {
    'hm': (-6, 0.8), 'wh': (8, 4), 'hps': (0, 6), 'reg': (0.5, 0.5),
    'hm_hp': (-6, 0.8), 'hp_offset': (0.5, 0.5), 'scale': (1, 0.4),
}  # fmt: skip
"""Branch to middle and half width of its random values."""


def rebuild_maps(case):
    """Return the raw maps by branch, checked against the sums in the file."""
    generator = np.random.Generator(np.random.PCG64(case['seed']))
    batch, _, height, width = eval_shape(case['shape'])
    maps = {}
    for name, channels in case['head_order']:
        middle, half = VALUE_RANGES[name]
        uniform = generator.random((batch, channels, height, width))
        maps[name] = np.float32(middle + half * (2 * uniform - 1))
    for record in case['planted']:
        image, cell = record['image'], record['cell']
        raise_peak(maps['hm'][image, 0], cell, record['logit'])
        for name in ('wh', 'reg', 'hps', 'scale'):
            maps[name][image, :, cell[1], cell[0]] = record[name]
        for peak in record['keypoint_peaks']:
            x, y = peak['cell']
            raise_peak(maps['hm_hp'][image, peak['joint']], peak['cell'], peak['logit'])
            maps['hp_offset'][image, :, y, x] = peak['offset']
    for name, (total, first, last) in case['map_checks_sum_first_last'].items():
        np.testing.assert_allclose(maps[name].sum(dtype=np.float64), total, rtol=1e-9)
        np.testing.assert_allclose(maps[name].flat[[0, -1]], [first, last], rtol=1e-6)
    return {name: torch.from_numpy(value) for name, value in maps.items()}


def eval_shape(text):
    """Turn '(2, C, 128, 128)' into numbers, with None for C."""
    parts = [part.strip() for part in text.strip('()').split(',')]
    return [int(part) if part.isdigit() else None for part in parts]


def raise_peak(plane, cell, logit):
    x, y = cell
    rows = slice(max(y - 1, 0), y + 2)
    columns = slice(max(x - 1, 0), x + 2)
    plane[rows, columns] = np.maximum(plane[rows, columns], np.float32(logit - 2))
    plane[y, x] = max(plane[y, x], np.float32(logit))
