"""For all tests and the processes they start.

Worker processes are forked, and OpenCV's threads do not survive that. Output is compared, so the
terminal that the tests are started from decides neither its width nor its colours.
"""

import os

import cv2

cv2.setNumThreads(0)
SIZE = ('COLUMNS', 'LINES')
ABILITIES = ('TERM', 'FORCE_COLOR', 'NO_COLOR', 'TTY_COMPATIBLE', 'TTY_INTERACTIVE')
for name in SIZE + ABILITIES:
    os.environ.pop(name, None)
