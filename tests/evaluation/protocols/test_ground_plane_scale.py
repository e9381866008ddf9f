import numpy as np
import pytest

from cpose.evaluation.matched_pairs import gather_pairs
from cpose.evaluation.protocols.scale_rules import GroundPlaneScale
from cpose.structures.camera import gl_from_cv


def pairs_of(new_record, scene):
    return gather_pairs([new_record(scene)], np.array([[0, 0, 0]]))


def test_plane_decides_where_there_is_one(new_scene, new_record):
    # The table is 0.2 m below the camera; the object stands on it and is 0.1 m high.
    table = gl_from_cv(np.array([[0.0, 0.2, 2.0], [0.0, -1.0, 0.0]]))
    scene = new_scene(plane_gl=table)
    scene.add_object((0.2, 0.5, 0.3), (0, 0.15, 2)).add_prediction((0.2, 0.1, 0.3), (0, 0.15, 2))
    assert GroundPlaneScale().factors(pairs_of(new_record, scene)) == pytest.approx(0.1)


def test_height_of_the_object_decides_without_a_plane(new_scene, new_record):
    scene = new_scene().add_object((0.2, 0.5, 0.3)).add_prediction((0.2, 0.1, 0.3))
    assert GroundPlaneScale().factors(pairs_of(new_record, scene)) == pytest.approx(0.5)
