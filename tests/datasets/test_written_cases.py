import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.datasets import centerpose_dataset
from cpose.datasets.annotations import annotation_index, contradictions
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.errors import ConfigError, DataError

from ..user_errors import raises
from .annotated_files import make_annotation, make_object, write_pair
from .written_cases import CASES, copy_case, read_case, true_boxes

BOX = {'category': 'cuboid', 'symmetry': {'type': 'CuboidSymmetry'}}
PLAIN_BOX = {'category': 'cuboid'}
TRAIN = load_config('_base_/datasets/centerpose.py').train_dataloader.dataset.pipeline


@pytest.fixture(autouse=True)
def cpose_scope(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'user_cache'))
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.fixture
def told(monkeypatch):
    """Collect the warnings of a data set."""
    texts = []
    for module in (contradictions, centerpose_dataset.report_contradictions.__globals__):
        target = module if isinstance(module, dict) else vars(module)
        monkeypatch.setitem(target, 'print_log', lambda text, **_: texts.append(text))
    return texts


def make_dataset(root, pipeline=(), metainfo=BOX, **options):
    return CenterPoseDataset(str(root), pipeline, metainfo, input_wh=(128, 128), **options)


def check_boxes(dataset, pixels=1e-6, camera=1e-6):
    """Compare all records with the right values."""
    expected = true_boxes()
    for number in range(3):
        record = dataset.load_record(number)
        points = expected['keypoints_image'][number]
        np.testing.assert_allclose(record.annotations.keypoints_image[0], points, atol=pixels)
        for name in ('keypoints_gl', 'dims_metric'):
            found = getattr(record.annotations, name)[0]
            np.testing.assert_allclose(found, expected[name][number], atol=1e-9)
        for matrix in (record.intrinsics, record.projection):
            found = matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
            np.testing.assert_allclose(found, expected['camera'][number], atol=camera)


@pytest.mark.parametrize('case', CASES)
def test_contradictions_are_told_with_their_cause(case, tmp_path):
    root = copy_case(case, tmp_path)
    ((field, form),) = CASES[case].items()
    for _ in range(2):  # read, then from the index kept on disk
        with raises(DataError, '3 of 3', argument='data_root', value=str(root)) as error:
            make_dataset(root)
        assert f'dict({field}={form!r})' in str(error.value)
        assert '0000' in error.value.problem


@pytest.mark.parametrize('case', CASES)
def test_convention_reads_them_right(case, tmp_path):
    root = copy_case(case, tmp_path)
    check_boxes(make_dataset(root, convention=CASES[case]))
    check_boxes(make_dataset(root, convention=CASES[case]))
    with raises(DataError, '3 of 3'):  # the index of one convention serves no other
        make_dataset(root)


@pytest.mark.parametrize('case', ['isaac_writer', 'isaac_writer_no_projection'])
@pytest.mark.parametrize('metainfo', [BOX, PLAIN_BOX])
def test_isaac_sims_writer(case, metainfo, tmp_path, told):
    root = copy_case(case, tmp_path)
    dataset = make_dataset(root, TRAIN, metainfo)
    check_boxes(dataset, pixels=0.51, camera=1e-3)
    assert told == []
    assert dataset.targets_by_label.sum() == 3
    sample = dataset[0]
    assert tuple(sample['inputs'].shape) == (3, 128, 128)
    assert sample['data_samples'].candidates.is_candidate.all()


@pytest.mark.parametrize('pipeline', [(), TRAIN], ids=['test', 'train'])
@pytest.mark.parametrize(
    ('case', 'field'), [('plane_of_zeros', 'AR_data'), ('visibility_percent', 'visibility')]
)
def test_what_nothing_needs_is_told_only(case, field, pipeline, tmp_path, told):
    dataset = make_dataset(copy_case(case, tmp_path), pipeline)
    check_boxes(dataset)
    annotations = dataset.load_record(0).annotations
    assert annotations.visibility.tolist() == [1.0]
    assert (annotations.plane_gl is None) == (case == 'plane_of_zeros')
    assert [field in text and '3 × ' in text for text in told] == [True]


@pytest.mark.parametrize('case', ['points_in_opencv', 'principal_point_zero', 'centimetres'])
def test_training_without_symmetry_needs_corners_only(case, tmp_path, told):
    root = copy_case(case, tmp_path)
    dataset = make_dataset(root, TRAIN, PLAIN_BOX)
    assert dataset.targets_by_label.sum() == 3
    assert [next(iter(CASES[case].values())) for _ in told] == [next(iter(CASES[case].values()))]
    with raises(DataError, '3 of 3'):
        make_dataset(root, (), PLAIN_BOX)


@pytest.mark.parametrize('case', ['centroid_last', 'dope_order'])
def test_training_without_symmetry_needs_the_right_order(case, tmp_path):
    with raises(DataError, '3 of 3'):
        make_dataset(copy_case(case, tmp_path), TRAIN, PLAIN_BOX)


def test_going_on_regardless(tmp_path, told):
    dataset = make_dataset(copy_case('points_in_opencv', tmp_path), on_contradiction='warn')
    assert (len(dataset), dataset.targets_by_label.sum()) == (3, 0)
    assert ['3 of 3 annotations' in text and 'OpenCV' in text for text in told] == [True]


def test_a_few_files_are_told(tmp_path, told):
    root = copy_case('centimetres', tmp_path)
    for number in range(4):
        write_pair(root, f'good{number}', make_annotation(make_object()))
    dataset = make_dataset(root)
    assert len(dataset) == 7
    assert ['3 of 7 annotations' in text and 'centimetres' in text for text in told] == [True]
    write_pair(root, 'good0', make_annotation(make_object(scale=[20, 40, 30])))
    with raises(DataError, '4 of 7'):
        make_dataset(root)


def test_contradictions_are_searched_once(tmp_path, monkeypatch):
    root = copy_case('dope_order', tmp_path)
    with raises(DataError):
        make_dataset(root)
    monkeypatch.setattr(annotation_index, 'read_annotation', None)
    monkeypatch.setattr(contradictions, 'check_fields', None)
    with raises(DataError, '3 of 3'):
        make_dataset(root)


@pytest.mark.parametrize(
    ('options', 'argument'),
    [
        ({'convention': {'camera_frame': 'opencvv'}}, 'convention'),
        ({'convention': {'frame': 'opencv'}}, 'convention'),
        ({'convention': {'scale': 'times 0'}}, 'convention'),
        ({'convention': 'opencv'}, 'convention'),
        ({'on_contradiction': 'ignore'}, 'on_contradiction'),
        ({'classes': {'box': 'cuboidd'}}, 'classes'),
    ],
)
def test_settings_that_do_not_exist(options, argument, tmp_path):
    root = copy_case('centimetres', tmp_path)
    with raises(ConfigError, argument=argument):
        make_dataset(root, **options)


@pytest.mark.parametrize('pipeline', [(), TRAIN], ids=['test', 'train'])
def test_other_classes(pipeline, tmp_path):
    root = copy_case('other_classes', tmp_path)

    def counts(**options):
        dataset = make_dataset(root, pipeline, **options)
        records = [dataset.load_record(number) for number in range(3)]
        boxes = [record.annotations.ignored_boxes for record in records]
        return (
            [record.num_objects for record in records],
            [0 if item is None else len(item) for item in boxes],
            dataset.targets_by_label.sum(),
        )

    assert counts() == ([2, 2, 2], [0, 0, 0], 6)
    assert counts(classes={'distractor': 'cuboid'}) == ([2, 2, 2], [0, 0, 0], 6)
    assert counts(classes={'distractor': 'leave_out'}) == ([1, 1, 1], [0, 0, 0], 3)
    assert counts(classes={'distractor': 'ignore'}) == ([1, 1, 1], [1, 1, 1], 3)
    assert counts(classes={'cuboid': 'cuboid', '*': 'ignore'}) == ([1, 1, 1], [1, 1, 1], 3)
    assert counts(classes={'cuboid': 'leave_out', '*': 'leave_out'})[2] == 0
    check_boxes(make_dataset(root, classes={'distractor': 'ignore'}))


def test_ignored_objects_are_their_own_regions(tmp_path):
    root = copy_case('other_classes', tmp_path)
    dataset = make_dataset(root, TRAIN, classes={'distractor': 'ignore'})
    for number, content in enumerate(read_case('other_classes')):
        corners = np.array(content['objects'][1]['projected_cuboid'])[1:]
        expected = [*corners.min(axis=0), *corners.max(axis=0)]
        sample = dataset[number]['data_samples']
        np.testing.assert_array_equal(sample.annotations.ignored_boxes, [expected])
        assert len(sample.candidates) == 1
