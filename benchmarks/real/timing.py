"""Milliseconds from a picture in memory to its poses, measured in a process of its own.

Threads of PyTorch, ONNX Runtime and OpenCV are chosen when these start, and those of a measurement
shall not wait for those of another.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = {'GOMP_SPINCOUNT': '10000'}
"""As the commands of cpose set it: threads look for work shortly, then sleep."""
WARM_UP = 3


def time_pictures(
    files: Sequence[str], args: argparse.Namespace, threads: int, pictures: Sequence[Path]
) -> float:
    """Return the median time of a picture in another process.

    Args:
        files: The model file, and its config if that is separate.
        args: Where it runs (``device``) and at which sizes (``scales`` or None).
        threads: Threads of the network and of OpenCV.
        pictures: Files with an annotation beside each, which has the camera.

    Raises:
        RuntimeError: If the process fails.
    """
    command = [sys.executable, '-m', __name__, '--model', *files, '--device', args.device]
    command += ['--threads', str(threads)]
    command += ['--scales', *map(str, args.scales)] if args.scales else []
    command += ['--pictures', *map(str, pictures)]
    own = {'OMP_NUM_THREADS': str(threads), 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    environment = {**ENVIRONMENT, **os.environ, **own}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'the timing failed: {done.stderr.strip()}')
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Time pictures one after the other and print the median."""
    import cv2
    import torch

    from cpose.apis.inference.camera_io import CameraFinder
    from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
    from cpose.datasets.image_reading import read_image

    args = _parse()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    checkpoint, *config = args.model
    inferencer = CenterPoseInferencer(
        config[0] if config else None, checkpoint, args.device, scales=args.scales
    )
    times = []
    for path in [*args.pictures[:1] * WARM_UP, *args.pictures]:
        image = read_image(path)
        camera = CameraFinder().find(path, (image.shape[1], image.shape[0]))
        start = time.perf_counter()
        next(inferencer(image, camera=camera))
        times.append(1e3 * (time.perf_counter() - start))
    sys.stdout.write(f'{statistics.median(times[WARM_UP:])}\n')


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', nargs='+', required=True)
    parser.add_argument('--device', required=True)
    parser.add_argument('--threads', type=int, required=True)
    parser.add_argument('--scales', nargs='+', type=float)
    parser.add_argument('--pictures', nargs='+', required=True)
    return parser.parse_args()


if __name__ == '__main__':
    main()
