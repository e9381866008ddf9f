import numpy as np
import pytest
from pathtraced_boxes.assets import Assets, fetch_skies
from pathtraced_boxes.room import sample_room

from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.carton import OneCarton
from cpose.datasets.synthetic.shapes.cast import Cast
from cpose.errors import DataError


@pytest.fixture(params=range(4))
def scene_and_room(request):
    rng = np.random.default_rng(request.param)
    scene = sample_scene(rng, (160, 120), (1, 3), RealismSettings())
    return scene, sample_room(rng, scene, Assets((), tuple(f'{k}.obj' for k in range(5))))


def test_faces_are_those_of_the_boxes(scene_and_room):
    scene, room = scene_and_room
    assert len(room.faces) == 6 * len(scene.boxes)
    for number, box in enumerate(scene.boxes):
        faces = room.faces[6 * number : 6 * number + 6]
        corners = np.concatenate([face.corners_world for face in faces])
        for keypoint in box.keypoints_world[1:]:
            assert (np.linalg.norm(corners - keypoint, axis=1) < 1e-12).sum() == 3
        for face in faces:
            a, b, _, d = face.corners_world
            outwards = np.cross(d - a, b - a)
            assert outwards @ (face.corners_world.mean(axis=0) - box.keypoints_world[0]) > 0
            height, width = face.texture.shape[:2]
            sides = np.linalg.norm(b - a), np.linalg.norm(d - a)
            assert width / height == pytest.approx(sides[0] / sides[1], rel=0.15) or 12 in (
                width,
                height,
            )


def test_one_particular_box_has_the_same_print_everywhere():
    cast = Cast((OneCarton((0.19, 0.28, 0.07), print_seed=4),))
    rooms = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        scene = sample_scene(rng, (160, 120), (1, 1), RealismSettings(), cast)
        rooms.append(sample_room(rng, scene, Assets((), ())))
    for first, second in zip(rooms[0].faces, rooms[1].faces, strict=True):
        np.testing.assert_array_equal(first.texture, second.texture)


def test_surfaces_are_rectangles(scene_and_room):
    _, room = scene_and_room
    for quad in room.surfaces:
        a, b, c, d = quad.corners_world
        np.testing.assert_allclose(b - a, c - d, atol=1e-9)
        assert abs((b - a) @ (d - a)) < 1e-9 * np.linalg.norm(b - a) * np.linalg.norm(d - a)


def test_furniture_stands_in_no_box():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = sample_scene(rng, (160, 120), (1, 3), RealismSettings())
        room = sample_room(rng, scene, Assets((), ('a.obj', 'b.obj')))
        for model in room.models:
            for box in scene.boxes:
                inside = np.abs(box.footprint.mean(axis=0) - model.position).max() < model.size / 2
                assert not inside or box.level >= model.size


def test_same_seed_same_room():
    scene = sample_scene(np.random.default_rng(0), (160, 120), (2, 2), RealismSettings())
    rooms = [sample_room(np.random.default_rng(5), scene, Assets()) for _ in range(2)]
    assert rooms[0].look == rooms[1].look
    for first, second in zip(rooms[0].surfaces, rooms[1].surfaces, strict=True):
        np.testing.assert_array_equal(first.corners_world, second.corners_world)
        np.testing.assert_array_equal(first.texture, second.texture)


def test_folder_without_skies(tmp_path):
    with pytest.raises(DataError):
        Assets.find(tmp_path)


def test_skies_of_a_package(tmp_path):
    import base64
    import io
    import tarfile

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w:gz') as archive:
        for name, content in {
            'package/hdri/park.exr.js': b"export default 'data:application/exr;base64,"
            + base64.b64encode(b'sky')
            + b"';",
            'package/hdri/park.exr.d.ts': b'type',
            'package/hdri/../../evil.exr.js': b'base64,AAAA',
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert [path.name for path in fetch_skies(tmp_path, data.getvalue())] == ['park.exr']
    assert Assets.find(tmp_path).skies[0].read_bytes() == b'sky'
