import json

import numpy as np
import pytest

from cpose.annotation.checking import DataCheck, check_folder, count_files
from cpose.annotation.fixing import fix_annotation, fix_file, prepare_fix
from cpose.cli.main import main
from cpose.datasets.annotations.annotation import parse_annotation, read_annotation
from cpose.datasets.conventions.explanations import check_fields
from cpose.errors import OutputError

from ..datasets.annotated_files import make_annotation, make_object, write_pair
from ..datasets.annotations.written_files import OPENCV, changed, correct_file, in_frame
from ..datasets.written_cases import CASES, copy_case
from ..user_errors import raises


def check(root, convention=None):
    return DataCheck(str(root), list(check_folder(str(root), convention)))


@pytest.mark.parametrize('case', CASES)
def test_cases_are_found_repaired_and_right_afterwards(case, tmp_path, capsys):
    root = copy_case(case, tmp_path)
    ((field, form),) = CASES[case].items()
    out, report = tmp_path / 'out', tmp_path / 'report.json'
    assert main(['check-data', str(root), '--json', str(report)]) == 1
    assert f'{field}={form!r}' in capsys.readouterr().out
    content = json.loads(report.read_text())
    assert (content['num_wrong'], content['convention']) == (3, CASES[case])
    assert [item['findings'][0]['form'] for item in content['files']] == [f'{field}={form}'] * 3
    assert main(['check-data', str(root), '--convention', f'{field}={form}']) == 0
    assert main(['check-data', str(root), '--fix', str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in root.iterdir()
    )
    assert main(['check-data', str(out)]) == 0
    for number in range(3):
        found = read_annotation(out / f'0000{number}.json').cuboids
        expected = read_annotation(root / f'0000{number}.json', CASES[case]).cuboids
        np.testing.assert_allclose(found.keypoints_gl, expected.keypoints_gl, atol=1e-12)
        np.testing.assert_allclose(found.keypoints_image, expected.keypoints_image, atol=1e-12)
        np.testing.assert_allclose(found.dims_metric, expected.dims_metric, atol=1e-12)


def test_isaac_sims_files_become_plain_ones(tmp_path):
    root = copy_case('isaac_writer', tmp_path)
    assert check(root).num_wrong == 0
    out = prepare_fix(str(root), str(tmp_path / 'out'))
    assert all(fix_file(str(root), out, item) for item in check(root).files)
    content = json.loads((out / '000000.json').read_text())
    assert 'keypoint_order' not in content
    assert content['objects'][0]['class'] == 'box'
    found, expected = (read_annotation(folder / '000000.json') for folder in (out, root))
    np.testing.assert_allclose(found.cuboids.keypoints_gl, expected.cuboids.keypoints_gl)
    np.testing.assert_allclose(found.projection, expected.projection)


def test_what_is_left_aside_is_a_note(tmp_path):
    for case in ('plane_of_zeros', 'visibility_percent'):
        root = copy_case(case, tmp_path)
        found = check(root)
        assert found.num_wrong == 0
        assert [(row[0], row[1]) for row in found.summary()] == [('note', '3')]
        out = prepare_fix(str(root), str(tmp_path / f'fixed_{case}'))
        assert all(fix_file(str(root), out, item) for item in found.files)
        assert check(out).summary() == []


def test_files_that_cannot_be_used(tmp_path, capsys):
    root, out = tmp_path / 'data', tmp_path / 'out'
    write_pair(root, 'good')
    write_pair(root, 'small', make_annotation(image_wh=(60, 80)), image_wh=(30, 40))
    write_pair(root, 'broken').write_text('{')
    write_pair(root, 'cut')
    (root / 'cut.png').write_bytes((root / 'cut.png').read_bytes()[:60])
    write_pair(root, 'lonely')
    (root / 'lonely.png').unlink()
    write_pair(root, 'bare').unlink()
    moved = np.add(make_object()['projected_cuboid'], 30.0).tolist()
    write_pair(root, 'moved', make_annotation(make_object(projected_cuboid=moved)))
    found = check(root)
    assert len(found.files) == count_files(str(root)) == 7
    wrong = {item.path.split('.')[0]: item.errors for item in found.files if item.is_wrong}
    assert set(wrong) == {'small', 'broken', 'cut', 'lonely', 'bare', 'moved'}
    assert '30×40' in wrong['small'][0]
    assert 'JSON' in wrong['broken'][0]
    assert 'decoded' in wrong['cut'][0]
    assert main(['check-data', str(root), '--fix', str(out)]) == 1
    assert '1 of 7 files written' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ['good.json', 'good.png']
    assert (out / 'good.json').read_text() != ''


def test_percentiles_of_the_corners(tmp_path):
    for number in range(20):
        shifted = np.add(make_object()['projected_cuboid'], [0.05 * number, 0.0]).tolist()
        write_pair(tmp_path, f'{number}', make_annotation(make_object(projected_cuboid=shifted)))
    found = check(tmp_path)
    assert found.num_wrong == 0
    spread = found.reprojection_percentiles()
    np.testing.assert_allclose([spread['50'], spread['100']], [0.475, 0.95], atol=1e-6)


def test_other_fields_of_a_repaired_file_stay():
    content = in_frame(correct_file(3, 2), OPENCV)
    content['objects'][0]['handle'] = {'is_left': True}
    content['note'] = 'kept'
    content['AR_data'] = {'plane_center': [0.1, 0.2, 1.5], 'plane_normal': [0.0, -1.0, 0.0]}
    fixed = fix_annotation(content, [('camera_frame', 'opencv')])
    right = correct_file(3, 2)
    for item, expected in zip(fixed['objects'], right['objects'], strict=True):
        for name in ('location', 'quaternion_xyzw', 'keypoints_3d'):
            np.testing.assert_allclose(item[name], expected[name], atol=1e-12)
        assert item['projected_cuboid'] == expected['projected_cuboid']
    assert fixed['objects'][0]['handle'] == {'is_left': True}
    assert fixed['note'] == 'kept'
    assert fixed['camera_data'] == right['camera_data']
    assert fixed['AR_data'] == {'plane_center': [0.2, 0.1, -1.5], 'plane_normal': [-1.0, 0.0, -0.0]}


def test_a_known_convention_is_undone_before_the_search():
    content = changed(in_frame(correct_file(5), OPENCV), scale=lambda v: v * 100)
    convention = {'camera_frame': 'opencv'}
    found = check_fields(parse_annotation(content, 'a.json', convention).fields)
    assert [item.form for item in found] == ['scale=centimetres']
    fixed = fix_annotation(content, [item.step for item in found], convention)
    np.testing.assert_allclose(
        fixed['objects'][0]['scale'], correct_file(5)['objects'][0]['scale'], atol=1e-12
    )
    assert check_fields(parse_annotation(fixed, 'a.json').fields) == []


def test_folders_that_cannot_take_the_result(tmp_path):
    root = copy_case('centimetres', tmp_path)
    for out in (root, root / 'fixed', tmp_path):
        with raises(OutputError, argument='fix'):
            prepare_fix(str(root), str(out))
    assert main(['check-data', str(root), '--fix', str(root)]) == 2
    assert main(['check-data', str(tmp_path / 'nowhere')]) == 2
    assert main(['check-data', str(root), '--convention', 'scale=cm']) == 2
