import numpy as np

from cpose.tracking.corner_filter import CornerFilter, DimsPool


def steps(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.normal(50, 3, (8, 2)), rng.normal(0, 2, (8, 2)), rng.uniform(1, 4, (8, 2))


def filter_one(measurements, velocity_var):
    """Filter one coordinate by the textbook; return position and its standard deviation."""
    move = np.array([[1.0, 1], [0, 1]])
    (position, velocity, std), *rest = measurements
    state, spread = np.array([position, velocity]), np.diag([std**2, velocity_var])
    for position, velocity, std in rest:
        state, spread = move @ state, move @ spread @ move.T + np.eye(2)
        noise = np.diag([std**2, velocity_var])
        gain = spread @ np.linalg.inv(spread + noise)
        state = state + gain @ (np.array([position, velocity]) - state)
        spread = spread - gain @ spread
    return state[0], np.sqrt(spread[0, 0])


def test_every_coordinate_is_a_filter_of_its_own():
    first, *rest = measured = list(steps(6))
    tracked = CornerFilter(*first, 20.0)
    for item in rest:
        tracked.update(*item)
    for corner, axis in np.ndindex(8, 2):
        own = [[part[corner, axis] for part in item] for item in measured]
        position, std = filter_one(own, 20.0)
        np.testing.assert_allclose(tracked.corners[corner, axis], position, rtol=1e-10)
        np.testing.assert_allclose(tracked.std[corner, axis], std, rtol=1e-10)


def test_the_first_frame_is_taken_as_it_is():
    corners, velocities, std = next(steps(1))
    tracked = CornerFilter(corners, velocities, std, 20.0)
    np.testing.assert_array_equal(tracked.corners, corners)
    np.testing.assert_allclose(tracked.std, std)


def test_extents_count_by_their_certainty():
    pool = DimsPool()
    pool.add(np.array([1.0, 1, 2]), np.array([1.0, 1, 1]))
    pool.add(np.array([2.0, 1, 4]), np.array([1.0, 1, 0.5]))
    np.testing.assert_allclose(pool.mean, [1.5, 1, 3.6])
    np.testing.assert_allclose(pool.std, [0.5**0.5, 0.5**0.5, 0.2**0.5])
