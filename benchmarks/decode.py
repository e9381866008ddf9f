"""Speed of decoding raw maps to detections, and of encoding annotations with their heatmaps.

Maps of 128×128 cells, 100 detections, 2 threads. Run ``python benchmarks/decode.py --quick`` or
``--out decode.json``.
"""

from functools import partial

import numpy as np
import torch
from measure import SAME_RUN, TAO_MACHINE, Figure, benchmark_parser, publish, time_call, time_calls
from plain_decode import decode_plainly
from torch import Tensor

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample

TITLE = 'Decoding and encoding, 128×128 maps'

REFERENCE_MS = {1: 21.9, 8: 19.144}
"""Median per image by batch size of TAO PyTorch 6.25.10 on an idle 2-core Xeon at 2.5 GHz
(``reference_speed_post.json``, ``heatmap_decoder_batch*``)."""
REFERENCE_PROCESSOR_MS = {1: 31.41, 8: 194.921 / 8}
"""Median processor time of both threads, from the same measurement."""

SIDE, STRIDE = 128, 4
NUM_DETECTIONS, NUM_PLANTED = 100, 10
BRANCHES = {'hm': 1, 'wh': 2, 'hps': 16, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'scale': 3}
MIDDLES = {'hm': -6.0, 'hm_hp': -6.0, 'wh': 20.0, 'reg': 0.5, 'hp_offset': 0.5, 'scale': 1.0}
NUM_SAMPLES = 8


def make_maps(batch: int) -> dict[str, Tensor]:
    """Return noise with ten objects per image whose corners have peaks near their displacement."""
    generator = torch.Generator().manual_seed(0)
    maps = {
        name: torch.rand(batch, channels, SIDE, SIDE, generator=generator) * 2
        + (MIDDLES.get(name, 0.0) - 1)
        for name, channels in BRANCHES.items()
    }
    corner = torch.arange(8)
    for image in range(batch):
        places = torch.randint(16, SIDE - 16, (NUM_PLANTED, 2), generator=generator)
        for number, (x, y) in enumerate(places):
            maps['hm'][image, 0, y, x] = 3 - 0.2 * number
            displacement = torch.randint(-8, 9, (8, 2), generator=generator)
            maps['hps'][image, :, y, x] = displacement.flatten() + 0.7
            cell = places[number] + displacement
            maps['hm_hp'][image, corner, cell[:, 1], cell[:, 0]] = 2.0
    return maps


def make_sample(candidates: int) -> PoseDataSample:
    """Return an annotated sample of two objects with symmetric candidates."""
    outline = CORNER_SIGNS[:, :2] * (90, 70) + CORNER_SIGNS[:, 2:] * (15, 10)
    corners = outline + np.array([[180.3, 200.6], [330.8, 280.1]])[:, None]
    count = len(corners)
    boxes = CuboidCandidates(
        labels=np.zeros(count, dtype=np.int64),
        centers_input=corners.mean(axis=1),
        corners_input=np.repeat(corners[:, None], candidates, axis=1),
        is_corner_in_image=np.ones((count, candidates, 8), dtype=bool),
        is_center_in_image=np.ones(count, dtype=bool),
        dims_metric=np.ones((count, candidates, 3)),
        is_candidate=np.ones((count, candidates), dtype=bool),
    )
    image_wh = (STRIDE * SIDE, STRIDE * SIDE)
    return PoseDataSample('image', image_wh, image_wh, np.eye(2, 3), candidates=boxes)


@torch.inference_mode()
def measure_decoding(batch: int, runs: int) -> list[Figure]:
    """Compare with the reference and with the plain decoding, which finds the same."""
    codec, maps = CenterPoseCodec(num_select=NUM_DETECTIONS), make_maps(batch)
    found, expected = codec.decode(maps), decode_plainly(maps, NUM_DETECTIONS)
    for name, values in expected.items():
        torch.testing.assert_close(found[name][:, :NUM_PLANTED], values[:, :NUM_PLANTED])
    plain = time_call(lambda: decode_plainly(maps, NUM_DETECTIONS), max(3, runs // 20), 1)
    ours = time_call(lambda: codec.decode(maps), runs).per(batch)
    name = f'decode an image, batch {batch}'
    return [
        Figure(name, ours.median, 'ms', REFERENCE_MS[batch], TAO_MACHINE, ours.note),
        Figure(
            f'{name}, processor time',
            ours.processor,
            'ms',
            REFERENCE_PROCESSOR_MS[batch],
            TAO_MACHINE,
            'of all threads; other processes hardly change it',
        ),
        Figure(
            name,
            ours.median,
            'ms',
            plain.per(batch).median,
            f'plain decoding {SAME_RUN}',
            'max_pool2d and a loop over the detections',
        ),
    ]


def measure_encoding(candidates: int, runs: int) -> Figure:
    """Time targets and heatmaps of a batch, per sample."""
    codec, samples = CenterPoseCodec(), [make_sample(candidates)] * NUM_SAMPLES
    targets = codec.encode(samples)
    calls = {
        'encode': partial(codec.encode, samples),
        'draw': lambda: codec.draw_heatmaps(targets, (SIDE, SIDE)),
    }
    times = {name: time.per(NUM_SAMPLES) for name, time in time_calls(calls, runs).items()}
    total = sum(time.median for time in times.values())
    rows = 'candidate' if candidates == 1 else 'candidates'
    note = f'two objects, batch of {NUM_SAMPLES}; encoding alone {times["encode"].median:.3f} ms'
    return Figure(f'encode and draw a sample, {candidates} {rows}', total, 'ms', note=note)


def measure(runs: int) -> list[Figure]:
    """Measure decoding of one and eight images, encoding with one and twelve candidates."""
    figures = [figure for batch in REFERENCE_MS for figure in measure_decoding(batch, runs)]
    return figures + [measure_encoding(candidates, max(3, runs // 5)) for candidates in (1, 12)]


def main() -> None:
    """Measure, print and write."""
    parser = benchmark_parser(__doc__)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    publish(TITLE, measure(20 if args.quick else 200), args.out)


if __name__ == '__main__':
    main()
