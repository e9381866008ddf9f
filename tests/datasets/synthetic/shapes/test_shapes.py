"""Every shape: its annotation agrees with its pixels, and its pictures with their seed."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.codecs.symmetries import RotationalSymmetry
from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.book import Book, BookForm
from cpose.datasets.synthetic.shapes.bottle import Bottle, PaintedBottle
from cpose.datasets.synthetic.shapes.carton import Carton, PaintedFaces
from cpose.datasets.synthetic.shapes.cast import Cast, build_cast
from cpose.datasets.synthetic.shapes.cup import Cup, PaintedCup
from cpose.datasets.synthetic.shapes.laptop import Laptop
from cpose.datasets.synthetic.visibility import outline_hull
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import ConfigError
from cpose.registry import DATASETS, SHAPES

from ....user_errors import raises

PLAIN = replace(RealismSettings.plain(), cut_off=0.0, box_span=(0.4, 0.8))
SHAPE_CLASSES = (Bottle, Cup, Book, Laptop)
NAMES = ('Bottle', 'Cup', 'Book', 'Laptop')
SIDE = 200


def convex_parts(box):
    """Return points (N, 3), world, of the convex parts that an object is made of."""
    form, centre = box.form, box.keypoints_world[0]

    def placed(points):
        return (points * box.dims) @ box.world_from_object.T + centre

    if isinstance(form, BookForm):
        return [box.keypoints_world[1:]]
    if hasattr(form, 'slabs'):
        return [placed(part) for part in np.split(form.outline, 2)]
    rings = form.profile.rings * (0.5, 1.0, 0.5) - np.array([0.0, 0.5, 0.0])
    return [placed(np.concatenate(pair)) for pair in pairwise(rings)]


def silhouette(scene):
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for part in convex_parts(scene.boxes[0]):
        hull = outline_hull(scene.camera, part)
        cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    return mask > 0


def changed_pixels(scene, monkeypatch):
    """Return the pixels (H, W) that the objects of a scene change."""
    drawn = render_scene(np.random.default_rng(7), scene, PLAIN).astype(int)
    with monkeypatch.context() as patch:
        for painting in (PaintedBottle, PaintedCup, PaintedFaces):
            patch.setattr(painting, 'draw', lambda *_: None)
        bare = render_scene(np.random.default_rng(7), scene, PLAIN)
    return np.abs(drawn - bare).max(axis=2) > 0


@pytest.mark.parametrize('free_pose', [0.0, 1.0], ids=['resting', 'free'])
@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize(
    'shape', [Bottle(lying=0.3), Cup(handles=0.0), Book(), Laptop()], ids=NAMES
)
def test_an_object_fills_its_silhouette(shape, seed, free_pose, monkeypatch):
    realism = replace(PLAIN, free_pose=free_pose)
    rng = np.random.default_rng(seed)
    scene = sample_scene(rng, (SIDE, SIDE), (1, 1), realism, Cast((shape,)))
    found, expected = changed_pixels(scene, monkeypatch), silhouette(scene)
    # Clear glass leaves some pixels what they were, smooth borders touch a pixel more.
    border = cv2.dilate(expected.astype(np.uint8), np.ones((5, 5))) > 0
    assert not (found & ~border).any()
    overlap = (found & expected).sum() / (found | expected).sum()
    assert overlap > 0.9


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('shape', SHAPE_CLASSES, ids=NAMES)
def test_the_cuboid_is_tight(shape, seed):
    form = shape().sample(np.random.default_rng(seed), PLAIN)
    if form.outline is None:
        return
    outline = form.outline
    if getattr(form, 'handle', None) is not None:
        assert outline[:, 0].max() > 0.55
        outline = outline[: -len(form.handle)]
    # Polygons around circles are 0.5 % larger.
    np.testing.assert_allclose(outline.max(axis=0), 0.5, atol=0.004)
    np.testing.assert_allclose(outline.min(axis=0), -0.5, atol=0.004)


@pytest.mark.parametrize('shape', SHAPE_CLASSES, ids=NAMES)
def test_form_keeps_its_look_at_any_size(shape):
    """Dims of a placed object are a multiple of those of its form."""
    realism = replace(PLAIN, stacks=0.5)
    for seed in range(4):
        scene = sample_scene(
            np.random.default_rng(seed), (160, 160), (2, 3), realism, Cast((shape(),))
        )
        for box in scene.boxes:
            ratio = box.dims / box.form.dims
            np.testing.assert_allclose(ratio, ratio[0])


def make_dataset(name, **changes):
    settings = {
        'image_wh': (96, 96),
        'objects': (1, 2),
        'shape': {'type': name},
        'distractors': [{'type': other} for other in ('Carton', *NAMES)],
        'realism': {'props': (1, 3), 'free_pose': 0.3, 'reflection': 0.5, 'stacks': 0.3},
    }
    return SyntheticCuboidDataset(20, **settings | changes)


@pytest.mark.parametrize('name', NAMES)
def test_pictures_depend_on_seed_and_number_alone(name):
    first, second = make_dataset(name, seed=3), make_dataset(name, seed=3)
    wanted = [first.load_record(index) for index in range(6)]
    for index in (5, 2, 0):
        again = second.load_record(index)
        np.testing.assert_array_equal(again.image, wanted[index].image)
        np.testing.assert_array_equal(
            again.annotations.keypoints_gl, wanted[index].annotations.keypoints_gl
        )
    other = make_dataset(name, seed=4).load_record(0)
    assert not np.array_equal(other.image, wanted[0].image)


@pytest.mark.parametrize(
    ('name', 'category', 'order'),
    [('Bottle', 'bottle', 12), ('Cup', 'cup', 12), ('Book', 'book', 1), ('Laptop', 'laptop', 1)],
)
def test_category_and_symmetry_come_from_the_shape(name, category, order):
    dataset = make_dataset(name)
    assert dataset.metainfo['category'] == (category,)
    record = next(r for r in map(dataset.load_record, range(20)) if len(r.annotations))
    assert [item.order for item in record.symmetries] == [order] * len(record.annotations)


@pytest.mark.parametrize(
    ('category', 'order'), [('bottle', 12), ('cup', 12), ('book', 1), ('laptop', 1)]
)
def test_configs_train_on_their_shape(category, order):
    config = load_config(f'efficientnet_lite0_{category}_synthetic')
    for part in (config.val_dataloader, config.test_dataloader):
        assert part.dataset.shape == config.train_dataloader.dataset.shape
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
        samples = [dataset[index]['data_samples'] for index in range(4)]
    assert dataset.metainfo['category'] == (category,)
    candidates = [item.candidates.is_candidate for item in samples if len(item.annotations)]
    assert candidates
    assert {item.shape[1] for item in candidates} == {order}


@pytest.mark.parametrize('shape', [Bottle(lying=0.5), Cup()], ids=['Bottle', 'Cup'])
def test_symmetric_labels_enclose_the_same_solid(shape):
    """All twelve labels of a turned solid contain it as tightly, whatever is its yaw."""
    scene = sample_scene(np.random.default_rng(2), (SIDE, SIDE), (1, 1), PLAIN, Cast((shape,)))
    box = scene.boxes[0]
    assert box.dims[0] == box.dims[2]
    keypoints, dims = RotationalSymmetry(12).candidates(box.keypoints_world, box.dims)
    rings = convex_parts(box)
    for candidate, extents in zip(keypoints, dims, strict=True):
        axes = (candidate[[5, 3, 2]] - candidate[1]) / extents[:, None]
        inside = (np.concatenate(rings) - candidate[0]) @ axes.T / extents
        np.testing.assert_allclose(np.abs(inside).max(axis=0), 0.5, atol=0.004)


def test_a_laptop_opens_to_its_front():
    form = Laptop(hinge_deg=(90, 90)).sample(np.random.default_rng(0), PLAIN)
    base, lid = form.slabs
    screen = lid[[4, 8, 6, 2]]
    np.testing.assert_allclose(screen[:, 2], 0, atol=1e-9)
    assert base[1:, 2].max() > 0.1
    assert lid[1:, 2].max() < 1e-9
    np.testing.assert_allclose(form.dims[1], form.base[1] + form.lid[1])
    wide = Laptop(hinge_deg=(130, 130)).sample(np.random.default_rng(0), PLAIN)
    assert wide.dims[2] > form.dims[2] * 1.3


def test_distractors_are_no_look_alikes():
    everything = [{'type': name} for name in ('Carton', *NAMES)]
    cast = build_cast({'type': 'Cup'}, everything)
    assert [type(item) for item in cast.distractors] == [Carton, Bottle, Book, Laptop]
    cast = build_cast({'type': 'Carton'}, everything)
    assert [type(item) for item in cast.distractors] == [Bottle, Cup, Laptop]
    scene = sample_scene(
        np.random.default_rng(1), (96, 96), (1, 1), replace(PLAIN, props=(3, 3)), cast
    )
    assert scene.solids
    assert len(scene.boxes) == len(scene.visibility) == 1


def test_distractors_are_drawn():
    cast = build_cast({'type': 'Carton'}, [{'type': 'Bottle'}])
    realism = replace(PLAIN, props=(4, 4))
    scene = sample_scene(np.random.default_rng(1), (SIDE, SIDE), (1, 1), realism, cast)
    without = replace(scene, solids=[], order=[0])
    pictures = [render_scene(np.random.default_rng(0), item, PLAIN) for item in (scene, without)]
    assert (pictures[0] != pictures[1]).any()


@pytest.mark.parametrize('shape', SHAPE_CLASSES, ids=NAMES)
def test_a_glossy_plane_mirrors(shape):
    scene = sample_scene(np.random.default_rng(5), (SIDE, SIDE), (1, 1), PLAIN, Cast((shape(),)))
    mirrored = replace(PLAIN, reflection=1.0)
    pictures = [render_scene(np.random.default_rng(0), scene, item) for item in (PLAIN, mirrored)]
    assert (pictures[0] != pictures[1]).any()


@pytest.mark.parametrize('shape', SHAPE_CLASSES, ids=NAMES)
def test_every_pose_can_be_drawn(shape):
    realism = replace(
        RealismSettings(), free_pose=0.7, hands=0.5, rolled=0.5, pitch_deg=(0.0, 90.0)
    )
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scene = sample_scene(rng, (80, 64), (1, 3), realism, Cast((shape(),)))
        assert render_scene(rng, scene, realism).shape == (64, 80, 3)


@pytest.mark.parametrize(
    ('config', 'argument'),
    [
        ({'type': 'Bottle', 'lying': 2}, 'lying'),
        ({'type': 'Cup', 'lying': -1}, 'lying'),
        ({'type': 'Cup', 'handles': 1.5}, 'handles'),
        ({'type': 'Laptop', 'hinge_deg': (10, 90)}, 'hinge_deg'),
        ({'type': 'Laptop', 'hinge_deg': (100, 90)}, 'hinge_deg'),
    ],
)
def test_wrong_settings_are_refused(config, argument):
    with raises(ConfigError, argument=argument):
        SHAPES.build(config)
