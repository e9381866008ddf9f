import numpy as np

from cpose.visualization.pictures import picture_grid


def plain(height, width, value):
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_tiles_stand_in_rows():
    grid = picture_grid([plain(40, 80, n) for n in (10, 20, 30)], columns=2, tile_side=40)
    assert grid.shape == (40, 80, 3)
    assert (grid[:20, :40] == 10).all()
    assert (grid[:20, 40:] == 20).all()
    assert (grid[20:, :40] == 30).all()
    assert (grid[20:, 40:] == 0).all()


def test_other_shapes_keep_their_proportions():
    grid = picture_grid([plain(40, 40, 10), plain(40, 20, 20)], tile_side=40)
    assert grid.shape == (40, 80, 3)
    assert (grid[:, 40:60] == 20).all()
    assert (grid[:, 60:] == 0).all()
