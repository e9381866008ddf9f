"""Photographs of a calibration board by a known camera, drawn."""

from functools import cache

import cv2
import numpy as np

INTRINSICS = np.array([[655.0, 0.0, 411.0], [0.0, 648.0, 292.0], [0.0, 0.0, 1.0]])
DISTORTION = np.array([-0.18, 0.06, 0.001, -0.0015, 0.0])
IMAGE_WH = (800, 600)
PIXELS_PER_SQUARE = 60
"""Of the drawn board: about as many as samples fall on a square, so that no edge is jagged."""
RIM = 30
"""White around the board, pixels."""
SAMPLES = 2
"""Of each pixel, in each direction."""
TILTS = (
    *((0, 0), (35, 0), (-35, 0), (0, 35), (0, -35), (30, 30), (-30, 30), (30, -30)),
    *((-30, -30), (40, 10), (-10, 40), (20, -40)),
)
"""Degrees about the two axes of the image."""
PLACES = ((0, 0), (-0.28, -0.2), (0.28, 0.2), (0.28, -0.2), (-0.28, 0.2), (0, 0.15))
"""Centre of the board, distances from the camera."""


@cache
def rays():
    """Return the directions (3, P) of all samples, row by row."""
    axes = [(np.arange(side * SAMPLES) + 0.5) / SAMPLES - 0.5 for side in IMAGE_WH]
    pixels = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 1, 2)
    flat = cv2.undistortPoints(pixels, INTRINSICS, DISTORTION).reshape(-1, 2)
    return np.column_stack([flat, np.ones(len(flat))]).T


def draw_view(board, tilt, place, distance=430.0):
    """Return a picture (600, 800, 3) of the board.

    Args:
        board: The board.
        tilt: Degrees about x and y.
        place: Of its centre, right and down, distances.
        distance: Millimetres.
    """
    width, height = IMAGE_WH
    rotation = cv2.Rodrigues(np.radians([*tilt, 0.0]))[0]
    middle = np.array([*board.size_mm, 0.0]) / 2
    shift = np.array([*np.multiply(place, distance), distance]) - rotation @ middle
    homography = np.column_stack([rotation[:, :2], shift])
    on_board = np.linalg.inv(homography) @ rays()
    on_board = on_board[:2] / on_board[2]
    drawn = cv2.copyMakeBorder(
        board.draw(PIXELS_PER_SQUARE), *[RIM] * 4, cv2.BORDER_CONSTANT, value=255
    )
    where = on_board * PIXELS_PER_SQUARE / board.square_mm + RIM - 0.5
    maps = where.reshape(2, height * SAMPLES, width * SAMPLES).astype(np.float32)
    fine = cv2.remap(drawn, *maps, cv2.INTER_LINEAR, borderValue=140)
    gray = cv2.resize(fine, IMAGE_WH, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)


def draw_views(board, tilts=TILTS, **settings):
    """Return pictures of the board with these tilts, at several places of the image."""
    return [
        draw_view(board, tilt, PLACES[number % len(PLACES)], **settings)
        for number, tilt in enumerate(tilts)
    ]
