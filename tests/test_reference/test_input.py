"""Network input, affine maps and projected candidates against the reference's targets."""

import dataclasses

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.codecs.symmetries import NoSymmetry, RotationalSymmetry
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.transforms.affine import LetterboxAffine
from cpose.datasets.transforms.loading import LoadPoseImage
from cpose.datasets.transforms.symmetries import ExpandSymmetries, TruncateCorners
from cpose.geometry.affine import apply_affine, crop_affine, letterbox_affine

MEAN = np.array([0.40789654, 0.44719302, 0.47026115])[:, None, None]
STD = np.array([0.28863828, 0.27408164, 0.27809835])[:, None, None]
OPENCV_MAJOR = int(cv2.__version__.partition('.')[0])
GREY_LEVEL = 1 / 255 / STD.min() + 1e-6
"""One grey level after normalisation."""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    image: str
    annotation: str
    targets: str
    setting: str = ''

    def __getitem__(self, key):
        with np.load(self.targets) as arrays:
            return arrays[f'{self.setting}{key}']

    @property
    def input_side(self):
        """Return the side of the input; ``input_sub16`` samples every 16th pixel."""
        return 16 * self['input_sub16'].shape[-1]


def find_cases(root):
    """Return the cases of evaluation, and each setting of those of training."""
    cases = {}
    for path in sorted(root.glob('targets_*.npz')):
        name = path.stem.removeprefix('targets_')
        source = root / 'annotations' / name.removeprefix('train_')
        files = (f'{source}.png', f'{source}.json', str(path))
        if not source.with_suffix('.png').exists():
            continue
        if name.startswith('train_'):
            with np.load(path) as arrays:
                prefixes = sorted({key.split('_')[0] for key in arrays if key[0].isdigit()})
            for prefix in prefixes:
                cases[f'{name}-{prefix}'] = Case(name, *files, setting=f'{prefix}_')
        else:
            cases[name] = Case(name, *files)
    return cases


@pytest.fixture(autouse=True)
def cpose_scope():
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


def normalise(image):
    return (image.transpose(2, 0, 1) / 255 - MEAN) / STD


def image_wh_of(case):
    return read_annotation(case.annotation).image_wh


def input_from_image(case):
    """Return our affine for a case and the side of the input or map."""

    def affine(side):
        if not case.setting:
            return letterbox_affine(image_wh_of(case), (side, side))
        return crop_affine(
            case['crop_center'], float(case['crop_size']), (side, side), float(case['crop_rot_deg'])
        )

    return affine


def test_affine(case):
    affine = input_from_image(case)
    for side, name in ((case.input_side, 'trans_input'), (case.input_side // 4, 'trans_output')):
        np.testing.assert_allclose(affine(side), case[name], atol=1e-5)


def network_input(case):
    side = case.input_side
    record = {'img_path': case.image, 'input_wh': (side, side)}
    record = LoadPoseImage()(record)
    if not case.setting:
        return normalise(LetterboxAffine()(record)['img'])
    width = record['image_wh'][0]
    affine = crop_affine(
        case['crop_center'],
        float(case['crop_size']),
        (side, side),
        float(case['crop_rot_deg']),
        width if case['flipped'] else None,
    )
    return normalise(cv2.warpAffine(record['img'], affine, (side, side), flags=cv2.INTER_LINEAR))


def test_input(case):
    """OpenCV 5 interpolates exactly, OpenCV 4 in steps of 1/32 pixel as the reference's.

    On the grid of ``input_sub16`` many positions of the letterbox fall midway between two pixels,
    so that OpenCV 5 rounds more of them differently than elsewhere. A rotated crop may cross a
    step with OpenCV 4 too, as the reference computes its affine in single precision.
    """
    image = network_input(case)
    error = np.abs(image[:, 8::16, 8::16] - case['input_sub16'])
    is_rotated = bool(case.setting) and float(case['crop_rot_deg']) != 0
    if OPENCV_MAJOR >= 5:
        assert error.max() < (3 if is_rotated else 1) * GREY_LEVEL
        assert (error > 1e-6).mean() < 0.06
    else:
        assert error.max() < (GREY_LEVEL if is_rotated else 1e-6)
        assert (error > 1e-6).mean() < 0.002
    if not case.setting:
        assert np.abs(image[:, 200:216, 240:256] - case['input_patch']).max() < GREY_LEVEL
        statistics = {'mean': image.mean((1, 2)), 'std': image.std((1, 2))}
        for name, value in statistics.items():
            tolerance = 2e-4 if OPENCV_MAJOR >= 5 else 1e-6
            np.testing.assert_allclose(value, case[f'input_{name}'], atol=tolerance)


def expand(case, rows):
    """Return the truncated candidates in pixels with our transforms, rows chosen by the case."""
    annotation = read_annotation(case.annotation)
    symmetries = [
        NoSymmetry() if rows == 1 or value is False else RotationalSymmetry(rows)
        for value in annotation.symmetric
    ]
    record = {
        'img_path': case.image,
        'annotations': annotation.cuboids,
        'symmetries': symmetries,
        'projection': annotation.projection,
        'max_objs': case['reg_mask'].shape[1],
    }
    return TruncateCorners()(ExpandSymmetries()(record))


def test_candidates(case):
    """The reference's displacements lead from its centre cells to the cells of our corners."""
    rows, slots = case['reg_mask'].shape
    expanded = expand(case, rows)
    affine = case['trans_output']
    side = case.input_side // 4
    points = expanded['cand_corners']
    if case.setting and case['flipped']:
        width = image_wh_of(case)[0]
        points = np.stack([width - 1 - points[..., 0], points[..., 1]], axis=-1)
        points = np.roll(points, 4, axis=2)
    cells = np.trunc(apply_affine(affine, points))
    compared = 0
    for slot in range(min(slots, len(cells))):
        for row in np.flatnonzero(case['reg_mask'][:, slot]):
            index = int(case['ind'][row, slot])
            center = np.array([index % side, index // side])
            mask = case['hps_mask'][row, slot].reshape(8, 2) > 0
            expected = case['hps'][row, slot].reshape(8, 2) + center
            candidate = cells[slot, row]
            np.testing.assert_array_equal(candidate[mask], expected[mask])
            dims = expanded['cand_dims'][slot, row]
            np.testing.assert_allclose(dims / dims[1], case['scale'][row, slot], atol=1e-5)
            compared += mask.sum()
    assert compared > 0


def test_rows_of_each_object(case):
    """The reference fills no row that we do not call a candidate."""
    rows, slots = case['reg_mask'].shape
    mask = expand(case, rows)['cand_mask'][:slots]
    padded = np.zeros((rows, slots), dtype=bool)
    padded[: mask.shape[1], : len(mask)] = mask.T
    assert not (~padded & (case['reg_mask'] > 0)).any()


def test_intrinsics(case):
    if not case.setting:
        intrinsics = read_annotation(case.annotation).intrinsics
        np.testing.assert_allclose(intrinsics, case['intrinsic_matrix'])
