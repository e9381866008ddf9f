"""OpenCV in forked processes: a pool of threads in the parent makes them wait for ever."""

import cv2


def test_opencv_has_no_pool_of_threads():
    assert cv2.getNumThreads() == 1
