import numpy as np
import pytest

from cpose.geometry.cuboid_overlap import unit_cube_overlap


def overlap(origin, spans):
    """Return the overlap of one parallelepiped, spans as rows."""
    origin = np.asarray(origin, dtype=float)[:, None]
    return unit_cube_overlap(origin, np.asarray(spans, dtype=float)[..., None])[0]


@pytest.mark.parametrize(
    ('origin', 'spans', 'expected'),
    [
        pytest.param((0, 0, 0), np.eye(3), 1, id='the same cube'),
        pytest.param((0.5, 0.25, 0), np.eye(3), 0.5 * 0.75, id='shifted'),
        pytest.param((1, 0, 0), np.eye(3), 0, id='sharing a face'),
        pytest.param((0, 1, 0), np.eye(3), 0, id='sharing a y face'),
        pytest.param((0, 0, 1), np.eye(3), 0, id='sharing a z face'),
        pytest.param((1, 1, 0), np.eye(3), 0, id='sharing an edge'),
        pytest.param((1, 1, 1), np.eye(3), 0, id='sharing a corner'),
        pytest.param((3, 0, 0), np.eye(3), 0, id='apart'),
        pytest.param((0.25, 0.25, 0.25), np.eye(3) / 2, 1 / 8, id='inside'),
        pytest.param((-1, -1, -1), np.eye(3) * 3, 1, id='outside'),
        pytest.param((0, 0, 0), -np.eye(3), 0, id='on the other side'),
        pytest.param((1, 1, 1), -np.eye(3), 1, id='turned inside out'),
        pytest.param((0, 0, 0), [(0, 0, 0.5), (0, 1, 0), (1, 0, 0)], 0.5, id='axes exchanged'),
        pytest.param((0, 0, 0), [(1, 0, 0), (1, 1, 0), (0, 0, 1)], 0.5, id='sheared'),
        pytest.param((0, 0, 0.5), [(1, 0, 0), (0, 1, 0), (1, 0, 0)], 0, id='flat'),
        # Half of a square on its tip: the cube's diagonal cross-section is a rhombus of area 1/2.
        pytest.param((0.5, 0, 0), [(0.5, 0.5, 0), (-0.5, 0.5, 0), (0, 0, 1)], 0.5, id='on its tip'),
    ],
)
def test_volumes_worked_out_by_hand(origin, spans, expected):
    assert overlap(origin, spans) == pytest.approx(expected, abs=1e-15)


def test_corner_cut_off_by_a_slanted_face():
    # The large solid keeps x + y + z ≥ 0.5 of the cube; a tetrahedron of 0.5³ / 6 is missing.
    normal = np.ones(3) / np.sqrt(3)
    across = np.array([1, -1, 0]) / np.sqrt(2)
    along = np.cross(normal, across)
    origin = normal * 0.5 / np.sqrt(3) - 5 * across - 5 * along
    assert overlap(origin, [10 * across, 10 * along, 10 * normal]) == pytest.approx(
        1 - 0.5**3 / 6, abs=1e-14
    )


def test_agrees_with_sampling():
    generator = np.random.default_rng(5)
    origin = generator.uniform(-0.5, 0.5, (3, 20))
    spans = generator.uniform(-1.5, 1.5, (3, 3, 20))
    volumes = unit_cube_overlap(origin, spans)
    points = generator.random((200_000, 3))
    for number, volume in enumerate(volumes):
        inside = np.linalg.solve(spans[..., number].T, (points - origin[:, number]).T)
        share = ((inside >= 0) & (inside <= 1)).all(axis=0).mean()
        assert volume == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize('size', [10.0**-k for k in range(4, 18)])
def test_is_continuous_around_shared_faces(size):
    generator = np.random.default_rng(int(-np.log10(size)))
    origin = generator.uniform(-size, size, (3, 200))
    spans = np.eye(3)[..., None] + generator.uniform(-size, size, (3, 3, 200))
    volumes = unit_cube_overlap(origin, spans)
    assert np.abs(volumes - 1).max() < 12 * size + 1e-14


def test_empty_batch():
    assert unit_cube_overlap(np.zeros((3, 0)), np.zeros((3, 3, 0))).shape == (0,)
