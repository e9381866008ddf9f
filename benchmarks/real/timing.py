"""Milliseconds from a picture in memory to its poses."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import torch

from benchmarks.real.sets import AnnotatedPhotograph
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.datasets.image_reading import read_image

WARM_UP = 3


def time_images(
    build: Callable[[], CenterPoseInferencer],
    photographs: Sequence[AnnotatedPhotograph],
    threads: int,
    count: int,
) -> float:
    """Return the median time of a picture, one at a time.

    Args:
        build: Makes the inferencer; a runtime takes its threads when it opens the file.
        photographs: Where the pictures come from, evenly.
        threads: Threads of network, runtime and OpenCV.
        count: Pictures timed.
    """
    places = np.linspace(0, len(photographs) - 1, count + WARM_UP).round().astype(int)
    chosen = [photographs[place] for place in places]
    images = [read_image(str(item.path)) for item in chosen]
    cameras = [item.annotation.intrinsics for item in chosen]
    with _threads(threads):
        inferencer = build()
        times = []
        for image, camera in zip(images, cameras, strict=True):
            start = time.perf_counter()
            next(inferencer(image, camera=camera))
            times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[WARM_UP:])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
