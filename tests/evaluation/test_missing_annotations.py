from dataclasses import replace

import numpy as np
import pytest

from cpose.evaluation.records import warn_of_missing_annotations

DIMS = (0.2, 0.1, 0.3)


@pytest.fixture
def warnings(monkeypatch):
    """Return what is logged."""
    logged = []
    monkeypatch.setattr('cpose.evaluation.records.print_log', lambda text, **_: logged.append(text))
    return logged


def records(new_scene, new_record):
    scenes = [new_scene(f'{n}.png').add_object(DIMS).add_object(DIMS) for n in range(3)]
    return [new_record(scene) for scene in scenes]


def test_complete_annotations_are_silent(warnings, new_scene, new_record):
    warn_of_missing_annotations([*records(new_scene, new_record), new_record(new_scene())])
    warn_of_missing_annotations([])
    assert warnings == []


def test_objects_without_3d_points_are_counted(warnings, new_scene, new_record):
    given = records(new_scene, new_record)
    given[1].annotations.keypoints_gl[1] = np.nan
    given[2].annotations.keypoints_gl[:] = np.nan
    warn_of_missing_annotations(given)
    assert len(warnings) == 1
    assert warnings[0].startswith('3 of 6 objects have no 3D points')
    assert '1.png, objects[1] is the first' in warnings[0]
    assert 'keypoints_3d' in warnings[0]


def test_images_without_a_camera_are_counted(warnings, new_scene, new_record):
    given = records(new_scene, new_record)
    given[1:] = [replace(record, projection=None) for record in given[1:]]
    warn_of_missing_annotations(given)
    assert len(warnings) == 1
    assert warnings[0].startswith('2 of 3 images have no camera')
    assert '1.png is the first' in warnings[0]
    assert 'camera_data.intrinsics' in warnings[0]
