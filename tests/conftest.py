"""For all tests: worker processes are forked, and OpenCV's threads do not survive that."""

import cv2

cv2.setNumThreads(0)
