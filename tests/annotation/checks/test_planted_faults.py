"""One fault in a correct folder: it is found, named and located, and nothing else is."""

import json
import shutil

import cv2
import numpy as np
import pytest

from cpose.annotation.checks.checking import check_folder
from cpose.annotation.checks.comparison import compare_files
from cpose.annotation.checks.fixing import fix_file
from cpose.cli.main import main

from ...datasets.annotations.written_files import (
    DOPE,
    OPENCV,
    OPENGL,
    WXYZ,
    changed,
    in_frame,
    with_camera,
)
from ..planted import (
    encode,
    make_picture,
    project,
    put_behind,
    resize_object,
    scale_all,
    turned_jpeg,
    write_file,
    write_files,
)

BAD = '003'
MIRRORED = [0, 5, 6, 7, 8, 1, 2, 3, 4]


def check(*roots):
    names = [str(root) for root in roots]
    files = [
        item for root in names for item in check_folder(root, part=root if len(names) > 1 else '')
    ]
    return compare_files(names, files)


def edit(change):
    """Return a fault that changes the content of one file in place, or returns another one."""

    def plant(root):
        content = json.loads((root / f'{BAD}.json').read_text())
        result = change(content)
        (root / f'{BAD}.json').write_text(json.dumps(content if result is None else result))

    return plant


def of_object(**fields):
    return edit(lambda content: content['objects'][0].update(fields))


def cut_picture(root):
    path = root / f'{BAD}.jpg'
    path.write_bytes(path.read_bytes()[:2000])


def remove(name):
    return lambda root: (root / name).unlink()


def write(name, content):
    return lambda root: (root / name).write_bytes(content)


def move_corners(content):
    return changed(content, projected_cuboid=lambda v: np.add(v, [40.0, 0.0]))


def left_handed(content):
    return changed(
        content, keypoints_3d=lambda v: v[MIRRORED], projected_cuboid=lambda v: v[MIRRORED]
    )


def turn_by_exif(root):
    (root / f'{BAD}.jpg').write_bytes(turned_jpeg(make_picture(3)))


def twice(content):
    content['objects'].append(dict(content['objects'][0]))


def outside(content):
    item = content['objects'][0]
    shift = np.array([2.5, 0.0, 0.0])
    for name in ('location', 'keypoints_3d'):
        item[name] = (np.array(item[name]) + shift[[1, 0, 2]]).tolist()
    item['projected_cuboid'] = project(item['keypoints_3d']).tolist()


def copy_picture(root):
    shutil.copy(root / '001.jpg', root / f'{BAD}.jpg')


def resave_picture(root):
    image = cv2.resize(cv2.imread(str(root / '001.jpg')), None, fx=0.5, fy=0.5)
    larger = cv2.resize(image, (640, 480), interpolation=cv2.INTER_CUBIC)
    (root / f'{BAD}.jpg').write_bytes(encode(np.clip(larger * 1.05 + 4, 0, 255).astype(np.uint8)))


def without_matrix(content):
    del content['camera_data']['camera_projection_matrix']
    return content


def wide_camera(content):
    """Stretch x: focal length and pixels agree, but no camera is like that."""
    item = content['objects'][0]
    pixels = np.array(item['projected_cuboid'])
    pixels[:, 0] = (pixels[:, 0] - 335.0) / 2 + 335.0
    item['projected_cuboid'] = pixels.tolist()
    return with_camera(without_matrix(content), fx=305.0)


FAULTS = {
    'cut picture': (cut_picture, 'error', 'unreadable_image', 'image', None),
    'picture is text': (
        write(f'{BAD}.jpg', b'{"a": 1}'), 'error', 'unreadable_image', 'image', None
    ),
    'no annotation': (remove(f'{BAD}.json'), 'error', 'no_annotation', 'image', None),
    'no picture': (remove(f'{BAD}.jpg'), 'error', 'no_image', 'annotation', None),
    'broken JSON': (write(f'{BAD}.json', b'{"objects": ['), 'error', 'schema', 'annotation', None),
    'field missing': (of_object(scale=None), 'error', 'schema', 'objects[0].scale', None),
    'field of text': (of_object(scale='big'), 'error', 'schema', 'objects[0].scale', None),
    'eight points': (
        edit(lambda c: changed(c, projected_cuboid=lambda v: v[1:])),
        *('error', 'schema', 'objects[0].projected_cuboid', None),
    ),
    'size of the picture': (
        edit(lambda c: c['camera_data'].update(width=641)),
        *('error', 'image_size', 'camera_data', None),
    ),
    'corners moved': (
        edit(move_corners), 'error', 'reprojection', 'keypoints_3d and projected_cuboid', (0,)
    ),
    'order of DOPE': (
        edit(lambda c: changed(c, projected_cuboid=lambda v: v[DOPE])),
        *('error', 'projected_cuboid=dope', 'projected_cuboid', (0,)),
    ),
    'left-handed': (edit(left_handed), 'error', 'keypoint_order=mirrored', None, (0,)),
    'frame of OpenCV': (
        edit(lambda c: in_frame(c, OPENCV)), 'error', 'camera_frame=opencv', None, (0,)
    ),
    'frame of OpenGL': (
        edit(lambda c: in_frame(c, OPENGL)), 'error', 'camera_frame=opengl', None, (0,)
    ),
    'scale in centimetres': (
        edit(lambda c: changed(c, scale=lambda v: v * 100)),
        *('error', 'scale=centimetres', 'scale', (0,)),
    ),
    'principal point 0': (
        edit(lambda c: with_camera(c, cx=0, cy=0)),
        *('error', 'intrinsics=zero_principal_point', 'camera_data.intrinsics', (0,)),
    ),
    'w first': (
        edit(lambda c: changed(c, quaternion_xyzw=lambda v: v[WXYZ])),
        *('note', 'quaternion_xyzw=wxyz', 'quaternion_xyzw', (0,)),
    ),
    'quaternion too long': (
        edit(lambda c: changed(c, quaternion_xyzw=lambda v: v * 1.5)),
        *('warning', 'quaternion_length', 'quaternion_xyzw', (0,)),
    ),
    'behind the camera': (edit(put_behind), 'error', 'behind_camera', 'keypoints_3d', (0,)),
    'all of a file in centimetres': (
        edit(lambda c: scale_all(c, 100)), 'warning', 'size_out_of_range', 'scale', (0,)
    ),
    'too large for its class': (
        edit(lambda c: resize_object(c, (0.1, 0.9, 0.1), **{'class': 'cup', 'symmetric': False})),
        *('warning', 'size_out_of_range', 'scale', (0,)),
    ),
    'symmetric with unequal sides': (
        of_object(symmetric=12), 'warning', 'symmetry_of_unequal_sides', 'symmetric', (0,)
    ),
    'symmetric with a handle': (
        edit(lambda c: resize_object(c, (0.3, 0.3, 0.3), symmetric=True, mug=True)),
        *('warning', 'symmetry_with_handle', 'symmetric', (0,)),
    ),
    'symmetry of a class without': (
        of_object(**{'class': 'book', 'symmetric': True}),
        *('note', 'symmetry_of_a_class_without', 'symmetric', (0,)),
    ),
    'the same object twice': (
        edit(twice), 'warning', 'double_object', 'projected_cuboid', (1, 0)
    ),
    'outside the picture': (
        edit(outside), 'warning', 'outside_picture', 'projected_cuboid', (0,)
    ),
    'visibility in percent': (of_object(visibility=80), 'note', 'left_aside', 'visibility', (0,)),
    'unequal focal lengths': (
        edit(wide_camera), 'warning', 'unequal_focal', 'camera_data.intrinsics', ()
    ),
    'EXIF ignored': (turn_by_exif, 'warning', 'exif_ignored', 'camera_data', ()),
    'copy of a picture': (copy_picture, 'warning', 'duplicate', 'image', ()),
    'near copy of a picture': (resave_picture, 'note', 'near_duplicate', 'image', ()),
}  # fmt: skip


def found_in(check):
    return {
        (check.name(item), issue.severity, issue.kind, issue.field, issue.objects)
        for item in check.files
        for issue in item.issues
    } | {('', issue.severity, issue.kind, issue.field, issue.objects) for issue in check.issues}


def test_a_correct_folder_has_no_findings(tmp_path):
    write_files(tmp_path)
    assert found_in(check(tmp_path)) == set()


@pytest.mark.parametrize('fault', FAULTS)
def test_fault_is_found_named_and_located(fault, tmp_path):
    plant, severity, kind, field, objects = FAULTS[fault]
    write_files(tmp_path)
    plant(tmp_path)
    found = found_in(check(tmp_path))
    assert len(found) == 1, found
    ((path, *rest),) = found
    assert path.split('.')[0] in (BAD, '')
    assert rest[:2] == [severity, kind]
    assert field is None or rest[2] == field
    assert objects is None or rest[3] == objects
    assert main(['check-data', str(tmp_path)]) == (1 if severity == 'error' else 0)


@pytest.mark.parametrize(('unit', 'factor'), [('centimetres', 100), ('millimetres', 1000)])
def test_a_data_set_wholly_in_another_unit(unit, factor, tmp_path):
    for name, content in write_files(tmp_path).items():
        scale_all(content, factor)
        write_file(tmp_path, name, content, int(name))
    found = check(tmp_path)
    assert found_in(found) == {
        ('', 'warning', f'unit_of_class={unit}', 'scale of class cuboid', ())
    }
    assert 'class cuboid' in str(found.issues[0])


def test_relative_extents_have_no_unit(tmp_path):
    for name, content in write_files(tmp_path).items():
        scale_all(content, 1 / content['objects'][0]['scale'][1] * (1 + 1e-9))
        write_file(tmp_path, name, content, int(name))
    assert found_in(check(tmp_path)) == set()


def test_pictures_in_two_parts(tmp_path):
    write_files(tmp_path / 'train', [f'{n}' for n in range(4)])
    write_files(tmp_path / 'val', [f'{n}' for n in range(4)], first_seed=20)
    assert found_in(check(tmp_path)) == set()
    shutil.copy(tmp_path / 'train' / '1.jpg', tmp_path / 'val' / '2.jpg')
    found = check(tmp_path)
    path = 'val/2.jpg'
    assert found_in(found) == {(path, 'error', 'duplicate_across_parts', 'image', ())}
    assert found.files[-2].issues[0].others == ('train/1.jpg',)
    image = cv2.imread(str(tmp_path / 'train' / '1.jpg'))
    (tmp_path / path).write_bytes(encode(cv2.GaussianBlur(image, (5, 5), 0)))
    kinds = found_in(check(tmp_path))
    assert kinds == {(path, 'warning', 'near_duplicate_across_parts', 'image', ())}
    assert main(['check-data', str(tmp_path)]) == 0


def test_folders_given_apart_are_parts(tmp_path):
    for name, seed in (('mine', 0), ('yours', 20)):
        write_files(tmp_path / name, [f'{n}' for n in range(3)], first_seed=seed)
    shutil.copy(tmp_path / 'mine' / '0.jpg', tmp_path / 'yours' / '2.jpg')
    folders = [tmp_path / 'mine', tmp_path / 'yours']
    (found,) = found_in(check(*folders))
    assert found == (
        *(str(tmp_path / 'yours' / '2.jpg'), 'error', 'duplicate_across_parts', 'image', ()),
    )
    assert main(['check-data', *map(str, folders)]) == 1
    assert main(['check-data', *map(str, folders), '--fix', str(tmp_path / 'out')]) == 2


def test_a_video_in_two_parts(tmp_path):
    write_files(tmp_path / 'train', [f'desk_{n:03d}' for n in (0, 2, 4)])
    write_files(tmp_path / 'val', [f'desk_{n:03d}' for n in (1, 3)], first_seed=20)
    found = check(tmp_path)
    assert [(item.severity, item.kind) for item in found.issues] == [
        ('warning', 'video_across_parts')
    ]
    assert "'desk'" in str(found.issues[0])
    assert found.issues[0].others == ('train/desk_000.jpg', 'val/desk_001.jpg')
    for part in ('train', 'val'):
        for path in (tmp_path / part).glob('*.json'):
            content = {**json.loads(path.read_text()), 'video': 'walk'}
            path.write_text(json.dumps(content))
    assert [(item.severity, item.kind) for item in check(tmp_path).issues] == [
        ('error', 'video_across_parts')
    ]
    assert main(['check-data', str(tmp_path)]) == 1


def test_numbers_that_begin_anew_are_no_video(tmp_path):
    for part, seed in (('train', 0), ('val', 20)):
        write_files(tmp_path / part, [f'box_{n}' for n in range(3)], first_seed=seed)
    assert check(tmp_path).issues == ()


def test_parts_below_the_folders_of_categories(tmp_path):
    for category, seed in (('cup', 0), ('shoe', 20)):
        for part in ('train', 'val'):
            names = [f'{n}' for n in range(3)]
            write_files(tmp_path / category / part, names, seed + 5 * (part == 'val'))
    shutil.copy(tmp_path / 'cup' / 'train' / '1.jpg', tmp_path / 'cup' / 'val' / '2.jpg')
    shutil.copy(tmp_path / 'cup' / 'train' / '0.jpg', tmp_path / 'shoe' / 'train' / '0.jpg')
    assert {(path, kind) for path, _, kind, _, _ in found_in(check(tmp_path))} == {
        ('cup/val/2.jpg', 'duplicate_across_parts'),
        ('shoe/train/0.jpg', 'duplicate'),
    }
    assert main(['check-data', str(tmp_path), '--fix', f'{tmp_path}_fixed']) == 1


def test_many_videos_in_two_parts_are_one_row(tmp_path):
    for number in range(4):
        write_files(tmp_path / 'train', [f'v{number}_{n}' for n in (1, 2)], 4 * number)
        write_files(tmp_path / 'val', [f'v{number}_3'], 4 * number + 2)
    found = check(tmp_path)
    assert len(found.issues) == 4
    (kind,) = found.kinds()
    assert (kind.count, len(kind.paths)) == (4, 8)


def test_control_characters_do_not_reach_the_terminal(tmp_path, capsys):
    write_files(tmp_path)
    edit(lambda c: c['objects'][0].update(scale='\x1b[2J'))(tmp_path)
    (tmp_path / f'{BAD}.jpg').rename(tmp_path / 'a\x1b[31m.jpg')
    assert main(['check-data', str(tmp_path)]) == 1
    assert '\x1b' not in capsys.readouterr().out


def test_a_scene_in_two_parts(tmp_path):
    write_files(tmp_path / 'train' / 'kitchen', ['a1', 'b1'])
    write_files(tmp_path / 'test' / 'kitchen', ['c1'], first_seed=20)
    (issue,) = check(tmp_path).issues
    assert (issue.severity, issue.kind) == ('warning', 'scene_across_parts')
    assert "'kitchen'" in str(issue)


def test_repair_removes_a_turn_that_the_annotation_ignores(tmp_path):
    root, out = tmp_path / 'data', tmp_path / 'out'
    write_files(root)
    turn_by_exif(root)
    out.mkdir()
    found = check(root)
    assert all(fix_file(str(root), out, item) for item in found.files)
    assert found_in(check(out)) == set()
    first, second = (
        cv2.imread(str(folder / f'{BAD}.jpg'), cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_COLOR)
        for folder in (root, out)
    )
    np.testing.assert_array_equal(first, second)


def test_what_is_doubtful_is_not_repaired(tmp_path):
    root, out = tmp_path / 'data', tmp_path / 'out'
    write_files(root)
    edit(put_behind)(root)
    assert main(['check-data', str(root), '--fix', str(out)]) == 1
    assert not (out / f'{BAD}.json').exists()
    assert len(list(out.glob('*.json'))) == 7


def several_faults(content):
    content['camera_data'].update(width='640', intrinsics={'fx': 500, 'fy': None, 'cx': 1})
    content['objects'].append({**content['objects'][0], 'scale': [0, 1, 1], 'class': 5})
    del content['objects'][0]['projected_cuboid']
    content['objects'] += ['box', {**content['objects'][1], 'keypoints_3d': [[0, 0, 0]] * 9}]


def test_all_faults_of_a_file_are_reported(tmp_path):
    write_files(tmp_path)
    edit(several_faults)(tmp_path)
    issues = next(item for item in check(tmp_path).files if item.path == f'{BAD}.jpg').issues
    assert {issue.field for issue in issues} == {
        *('camera_data.width', 'camera_data.intrinsics.fy', 'camera_data.intrinsics.cy'),
        *('objects[0].projected_cuboid', 'objects[1].scale', 'objects[1].class', 'objects[2]'),
        *('objects[3].scale', 'objects[3].class', 'objects[3].keypoints_3d'),
    }
    assert len(issues) == 10
    assert {issue.kind for issue in issues} == {'schema'}
    (scale,) = (issue.problem for issue in issues if issue.field == 'objects[1].scale')
    assert '[0, 1, 1]' in scale
    assert 'give three numbers above 0' in scale


def test_repair_keeps_one_of_the_same_pictures(tmp_path, capsys):
    root, out, again = tmp_path / 'data', tmp_path / 'out', tmp_path / 'again'
    write_files(root / 'train', [f'{n}' for n in range(3)])
    write_files(root / 'val', ['7'], first_seed=20)
    for target in ('train/5', 'val/6'):
        for ending in ('jpg', 'json'):
            shutil.copy(root / f'train/1.{ending}', root / f'{target}.{ending}')
    assert main(['check-data', str(root), '--fix', str(out)]) == 0
    assert (out / 'copies.txt').read_text() == (
        'train/1.jpg\tcopy of val/6.jpg\ntrain/5.jpg\tcopy of val/6.jpg\n'
    )
    assert 'train/5.jpg is a copy of val/6.jpg' in capsys.readouterr().out
    kept = sorted(str(path.relative_to(out)) for path in out.rglob('*.jpg'))
    assert kept == ['train/0.jpg', 'train/2.jpg', 'val/6.jpg', 'val/7.jpg']
    assert found_in(check(out)) == set()
    content = json.loads((root / 'train/5.json').read_text())
    content['objects'][0]['visibility'] = 0.5
    (root / 'train/5.json').write_text(json.dumps(content))
    assert main(['check-data', str(root), '--fix', str(again)]) == 1
    assert (again / 'train/5.jpg').is_file()
    assert not (again / 'train/1.jpg').exists()
