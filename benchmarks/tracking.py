"""Speed of the tracker: one frame with ten objects.

Run ``python benchmarks/tracking.py --quick`` or ``--out tracking.json``. Poses come from a scene
of moving boxes with noisy corners; no network is involved.
"""

import numpy as np
from accuracy.tracked_scenes import find_objects, frame_of, make_scenes
from measure import Figure, benchmark_parser, publish, time_call

from cpose.tracking.pose_tracker import PoseTracker

TITLE = 'Tracking'
COUNTS = (1, 10)


def measure_frame(count: int, runs: int) -> Figure:
    """Time a frame with ``count`` objects, all of which are tracked."""
    scene = make_scenes(count)['nothing moves']
    rng = np.random.default_rng(0)
    frames = [find_objects(scene, frame, rng)[0] for frame in range(30)]
    tracker = PoseTracker()
    tracker.dataset_meta = {'symmetry': ({'type': 'CuboidSymmetry'},)}
    tracker.reset()
    number = 0

    def follow() -> None:
        nonlocal number
        shown = tracker.update(frames[number % len(frames)], frame_of(number))
        number += 1
        if len(shown.poses) != count:
            raise RuntimeError(f'{len(shown.poses)} of {count} objects are tracked.')

    elapsed = time_call(follow, runs)
    objects = 'object' if count == 1 else 'objects'
    return Figure(
        f'tracker, a frame with {count} {objects}', elapsed.median, 'ms', note=elapsed.note
    )


def main() -> None:
    """Measure, print and write."""
    args = benchmark_parser(__doc__).parse_args()
    runs = 50 if args.quick else 500
    publish(TITLE, [measure_frame(count, runs) for count in COUNTS], args.out)


if __name__ == '__main__':
    main()
