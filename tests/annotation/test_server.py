import json
import os
import struct

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from cpose.annotation.server.app import AnnotationApp, page_names
from cpose.annotation.server.cameras import read_exif_focal
from cpose.annotation.server.editing import Editor
from cpose.annotation.server.guard import Guard
from cpose.annotation.server.pictures import HIDDEN, PictureFolder
from cpose.annotation.server.serving import listen
from cpose.datasets.annotations.annotation import read_annotation
from cpose.errors import ConfigError, DataError, OutputError

from .box_views import IMAGE_WH, box_view, paint, ratio_error

TOKEN = 'sEcrEt'
ORIGIN = 'http://127.0.0.1:8642'


@pytest.fixture
def folder(tmp_path):
    for number, view in enumerate((box_view(), box_view(yaw=35))):
        cv2.imwrite(str(tmp_path / f'box_{number}.png'), paint(view))
    return tmp_path


class Page:
    """What the page of one tab sends."""

    def __init__(self, folder, is_read_only=False, **options):
        editor = Editor(PictureFolder(folder), **options)
        self.app = AnnotationApp(editor, ('carton',), is_read_only=is_read_only).build()
        headers = {'Origin': ORIGIN, 'Sec-Fetch-Site': 'same-origin'}
        self.client = TestClient(Guard(self.app, TOKEN), f'{ORIGIN}/{TOKEN}/', headers=headers)
        self.ids = [item['id'] for item in self.get('api/pictures')['pictures']]

    def get(self, path):
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def read(self, number=0):
        return self.get(f'api/pictures/{self.ids[number]}')

    def write(self, document, number=0, **changes):
        sent = {name: document[name] for name in ('revision', 'camera', 'objects')}
        return self.client.put(f'api/pictures/{self.ids[number]}', json={**sent, **changes})


def box(view, numbers=(1, 5, 4, 7, 3, 6), **changes):
    corners = [view.corners[k].tolist() if k in numbers else None for k in range(8)]
    return {'id': 'b1', 'category': 'carton', 'corners': corners, **changes}


def test_a_clicked_box_becomes_an_annotation(folder):
    page, view = Page(folder), box_view()
    answer = page.write(page.read(), objects=[box(view)]).json()
    assert ratio_error(np.array(answer['objects'][0]['solution']['dims']), view.dims) < 0.03
    annotation = read_annotation(folder / 'box_0.json')
    np.testing.assert_allclose(annotation.cuboids.keypoints_image[0, 1:], view.corners, atol=1)
    stored = json.loads((folder / 'box_0.json').read_text())
    assert stored['camera_data']['intrinsics_source'] == 'estimated'
    assert annotation.cuboids.plane_gl is not None
    assert not (folder / HIDDEN / 'box_0.json').exists()
    # Read again, the same corners are there, and nothing that the page did not change is solved.
    again = page.read()
    assert again['objects'][0]['corners'] == box(view)['corners']
    page.write(again)
    assert json.loads((folder / 'box_0.json').read_text()) == stored


def test_nothing_is_changed_that_is_open_to_look_at(folder):
    page = Page(folder, is_read_only=True)
    assert page.get('api/pictures')['is_read_only'] is True
    answer = page.write(page.read(), objects=[box(box_view())])
    assert (answer.status_code, 'look at only' in answer.json()['error']) == (403, True)
    assert sorted(path.suffix for path in folder.iterdir()) == ['.png', '.png']


def test_a_folder_that_is_looked_at_need_not_be_writable(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('cpose.annotation.server.pictures.try_folder', refuse)
    assert len(PictureFolder(folder, is_read_only=True).pictures) == 2
    with pytest.raises(OutputError, match='read_only'):
        PictureFolder(folder)


def test_a_picture_that_was_removed_meanwhile_is_named(folder):
    page = Page(folder)
    document = page.read()
    (folder / 'box_0.png').unlink()
    answers = [
        page.client.get(f'api/pictures/{page.ids[0]}'),
        page.client.get(f'api/pictures/{page.ids[0]}/image'),
        page.write(document, objects=[box(box_view())]),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert 'box_0.png' in answer.json()['error']
    assert not (folder / 'box_0.json').exists()
    assert page.read(1)['objects'] == []


def test_names_that_are_no_text_do_not_hide_the_others(folder):
    os.rename(folder / 'box_0.png', os.fsencode(folder) + b'/gr\xfc\xdfe.png')
    page = Page(folder)
    number = [os.fsencode(item['path']) for item in page.get('api/pictures')['pictures']].index(
        b'gr\xfc\xdfe.png'
    )
    assert page.write(page.read(number), number, objects=[box(box_view())]).status_code == 200
    assert os.path.isfile(os.fsencode(folder) + b'/gr\xfc\xdfe.json')


def test_a_photograph_is_shown_as_it_is_unless_it_is_turned(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.jpg'), paint(box_view()))
    plain = (tmp_path / 'a.jpg').read_bytes()
    exif = b'Exif\0\0MM\0*' + struct.pack('>IHHHIHHI', 8, 1, 0x112, 3, 1, 6, 0, 0)
    turned = plain[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + plain[2:]
    (tmp_path / 'b.jpg').write_bytes(turned)
    page = Page(tmp_path)
    shown = [page.client.get(f'api/pictures/{name}/image').content for name in page.ids]
    assert shown[0] == plain
    assert shown[1] != turned
    assert cv2.imdecode(np.frombuffer(shown[1], np.uint8), 1).shape[:2] == IMAGE_WH


@pytest.mark.slow
@pytest.mark.parametrize('wrong', [None, 5, 7])
def test_a_corner_that_was_mistaken_is_named(folder, wrong):
    page, clicked = Page(folder), box(box_view(), (1, 5, 4, 7, 3, 6, 2))
    if wrong is not None:
        clicked['corners'][wrong] = [value + 60 for value in clicked['corners'][wrong]]
    answer = page.write(page.read(), objects=[clicked]).json()
    assert answer['objects'][0]['solution']['suspect'] == wrong


def test_unfinished_boxes_outlast_the_server(folder):
    page, view = Page(folder), box_view()
    page.write(page.read(), objects=[box(view, (1, 5))])
    assert not (folder / 'box_0.json').exists()
    document = Page(folder).read()
    assert sum(point is not None for point in document['objects'][0]['corners']) == 2
    page.write(document, objects=[box(view)])
    assert not (folder / HIDDEN / 'box_0.json').exists()
    assert len(page.read()['objects']) == 1


def test_a_stale_tab_is_told_and_changes_nothing(folder):
    first, second = Page(folder), Page(folder)
    old = second.read()
    assert first.write(first.read(), objects=[box(box_view())]).status_code == 200
    before = (folder / 'box_0.json').read_bytes()
    assert second.write(old, objects=[]).status_code == 409
    assert (folder / 'box_0.json').read_bytes() == before


def test_a_crash_between_both_files_loses_no_box(folder):
    page, view = Page(folder), box_view()
    two = [box(view), box(view, (1, 5), id='b2')]
    page.write(page.read(), objects=two)
    draft = (folder / HIDDEN / 'box_0.json').read_bytes()
    page.write(page.read(), objects=[two[0], box(view, id='b2')])
    # As it is if the server was killed before it removed the draft: the finished box counts.
    (folder / HIDDEN / 'box_0.json').write_bytes(draft)
    found = Page(folder).read()['objects']
    assert [item['id'] for item in found] == ['b1', 'b2']
    assert all(item['solution'] for item in found)


def test_an_annotation_of_others_keeps_what_the_page_does_not_know(folder):
    page = Page(folder)
    page.write(page.read(), objects=[box(box_view())])
    path = folder / 'box_0.json'
    content = json.loads(path.read_text())
    content.pop('annotated_with')
    del content['objects'][0]['annotation']
    content['objects'][0]['color'] = [1, 2, 3]
    content['camera_data'].pop('intrinsics_source')
    path.write_text(json.dumps(content))
    document = page.read()
    assert document['camera']['source'] == 'annotation'
    item = document['objects'][0]
    assert all(item['soft'])
    page.write(document, objects=[{**item, 'category': 'crate', 'visibility': 0.5}])
    new = json.loads(path.read_text())['objects'][0]
    old = content['objects'][0]
    assert (new['class'], new['visibility']) == ('crate', 0.5)
    kept = ('color', 'keypoints_3d', 'projected_cuboid', 'quaternion_xyzw', 'location', 'scale')
    assert all(new[name] == old[name] for name in kept)
    # All boxes removed: the file stays and says that no object is there.
    page.write(page.read(), objects=[])
    assert json.loads(path.read_text())['objects'] == []


def test_undoing_the_first_box_leaves_no_annotation(folder):
    page = Page(folder)
    page.write(page.read(), objects=[box(box_view())])
    page.write(page.read(), objects=[])
    assert not (folder / 'box_0.json').exists()
    page.write(page.read(), objects=[], is_empty=True)
    assert json.loads((folder / 'box_0.json').read_text())['objects'] == []


def test_cameras_and_sizes(folder):
    view = box_view(dims=(0.2, 0.35, 0.5))
    given = view.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
    page = Page(folder, camera=given)
    document = page.read()
    assert document['camera']['source'] == 'file'
    page.write(document, objects=[box(view, sizes=[None, 0.35, None])])
    annotation = read_annotation(folder / 'box_0.json')
    np.testing.assert_allclose(annotation.cuboids.dims_metric[0], view.dims, rtol=0.01)
    typed = {'source': 'typed', 'fx': 700, 'fy': 710, 'cx': 390, 'cy': 310}
    after = page.write(page.read(), camera=typed).json()
    assert after['camera']['fx'] == 700
    assert after['objects'][0]['solution']['residual_px'] > 0.2
    np.testing.assert_allclose(read_annotation(folder / 'box_0.json').intrinsics[1, 1], 710)


def test_a_rolled_camera_is_noticed(folder):
    page, view = Page(folder), box_view(roll=20)
    answer = page.write(page.read(), objects=[box(view, (1, 5, 4, 7, 3, 6, 2))]).json()
    solution = answer['objects'][0]['solution']
    assert solution['residual_px'] < 0.2
    assert ratio_error(np.array(solution['dims']), view.dims) < 0.01


def test_exif_focal_length():
    width, height = IMAGE_WH
    folder = struct.pack('<HHHLHHL', 1, 0xA405, 3, 1, 26, 0, 0)
    exif = b'II*\0' + struct.pack('<LHHHLLL', 8, 1, 0x8769, 4, 1, 26, 0) + folder
    segment = b'Exif\0\0' + exif
    _, picture = cv2.imencode('.jpg', np.zeros((height, width, 3), np.uint8))
    content = picture.tobytes()
    marked = content[:2] + b'\xff\xe1' + struct.pack('>H', len(segment) + 2) + segment + content[2:]
    assert read_exif_focal(marked, IMAGE_WH) == pytest.approx(26 / np.hypot(36, 24) * 1000)
    assert read_exif_focal(content, IMAGE_WH) is None


def test_several_boxes_share_one_focal_length(folder):
    page, views = Page(folder), (box_view(), box_view(yaw=-50, pitch=40))
    boxes = [box(views[0]), box(views[1], id='b2')]
    answer = page.write(page.read(), objects=boxes).json()
    assert answer['camera']['fx'] == pytest.approx(620, rel=0.01)
    focal = [item['solution']['focal'] for item in answer['objects']]
    assert focal[0] == focal[1] == answer['camera']['fx']


@pytest.mark.parametrize(
    ('change', 'field'),
    [
        ({'id': '../x'}, 'id'),
        ({'category': ''}, 'category'),
        ({'category': 'x' * 65}, 'class'),
        ({'corners': [[1, 2]]}, 'corners'),
        ({'corners': [[1, 1e9]] * 8}, 'corners'),
        ({'corners': [['a', 2]] * 8}, 'corners'),
        ({'sizes': [0, None, None]}, 'sizes'),
        ({'sizes': [float('inf'), None, None]}, 'sizes'),
        ({'visibility': 2}, 'visibility'),
        ({'symmetric': 1.5}, 'symmetric'),
    ],
)
def test_wrong_values_are_refused_by_name(folder, change, field):
    page = Page(folder)
    content = {**page.read(), 'objects': [box(box_view()) | change]}
    text = json.dumps({name: content[name] for name in ('revision', 'camera', 'objects')})
    headers = {'Content-Type': 'application/json'}
    answer = page.client.put(f'api/pictures/{page.ids[0]}', content=text, headers=headers)
    assert answer.status_code == 422
    assert field in answer.json()['error']
    assert not (folder / 'box_0.json').exists()


@pytest.mark.parametrize(
    'headers',
    [
        {'Host': 'evil.example:8642'},
        {'Host': 'evil.example'},
        {'Host': '127.0.0.1:9999'},
        {'Origin': 'http://evil.example', 'Host': '127.0.0.1:8642'},
        {'Origin': 'null'},
        {'Origin': ''},
        {'Sec-Fetch-Site': 'cross-site'},
        {'Content-Type': 'text/plain'},
    ],
    ids=str,
)
def test_requests_of_other_pages_change_nothing(folder, headers):
    page = Page(folder)
    document = page.read()
    content = {'revision': document['revision'], 'camera': document['camera'], 'objects': []}
    text = json.dumps({**content, 'is_empty': True})
    sent = {'Content-Type': 'application/json', **headers}
    answer = page.client.put(f'api/pictures/{page.ids[0]}', content=text, headers=sent)
    assert answer.status_code in (403, 422)
    assert not (folder / 'box_0.json').exists()


@pytest.mark.parametrize(
    'path',
    [
        f'{ORIGIN}/api/pictures',
        f'{ORIGIN}/',
        f'{ORIGIN}/{TOKEN[:-1]}/api/pictures',
        f'{ORIGIN}/{TOKEN}/page/..%2f..%2f__init__.py',
        f'{ORIGIN}/{TOKEN}/page/%2e%2e/checking.py',
        f'{ORIGIN}/{TOKEN}/page/%2fetc%2fpasswd',
        f'{ORIGIN}/{TOKEN}/api/pictures/..%2f..%2fsecret/image',
        f'{ORIGIN}/{TOKEN}/api/pictures/box_0.png/image',
    ],
)
def test_nothing_else_can_be_read(folder, path):
    answer = Page(folder).client.get(path)
    assert answer.status_code in (403, 404, 422)
    assert b'root:' not in answer.content


def test_links_out_of_the_folder_are_left_out(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp('outside')
    (outside / 'secret.png').write_bytes((folder / 'box_0.png').read_bytes())
    (outside / 'secret.json').write_text('{"secret": 1}')
    (folder / 'linked.png').symlink_to(outside / 'secret.png')
    (folder / 'more').symlink_to(outside)
    (folder / 'box_1.json').symlink_to(outside / 'secret.json')
    found = PictureFolder(folder)
    assert [picture.path for picture in found.pictures.values()] == ['box_0.png']
    assert set(found.left_out) == {'linked.png', 'more/secret.png', 'box_1.png'}
    # A link that appears later is seen too.
    page = Page(folder)
    (folder / 'box_0.json').symlink_to(outside / 'secret.json')
    answer = page.client.get(f'api/pictures/{page.ids[0]}')
    assert answer.status_code == 422
    assert 'secret"' not in answer.text


def test_answers_forbid_foreign_scripts(folder):
    page = Page(folder)
    for path in ('', 'page/main.js', 'api/pictures'):
        headers = page.client.get(path).headers
        assert "default-src 'none'" in headers['content-security-policy']
        assert headers['x-content-type-options'] == 'nosniff'
    for name in page_names():
        text = page.client.get(f'page/{name}').text
        assert 'http://' not in text.replace('http://www.w3.org', '')
        assert 'https://' not in text


def test_a_long_body_is_refused(folder):
    page = Page(folder)
    answer = page.client.put(f'api/pictures/{page.ids[0]}', json={'x': 'y' * (2 << 20)})
    assert answer.status_code == 422


def test_a_turned_photograph_is_annotated_as_training_sees_it(tmp_path):
    upright = paint(box_view())
    _, stored = cv2.imencode('.jpg', cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE))
    exif = b'Exif\0\0MM\0*' + struct.pack('>LHHHLHHL', 8, 1, 0x0112, 3, 1, 6, 0, 0)
    content = stored.tobytes()
    head = b'\xff\xe1' + struct.pack('>H', len(exif) + 2)
    (tmp_path / 'a.jpg').write_bytes(content[:2] + head + exif + content[2:])
    page = Page(tmp_path)
    assert page.read()['image_wh'] == list(IMAGE_WH)
    shown = page.client.get(f'api/pictures/{page.ids[0]}/image').content
    image = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(image.astype(int) - upright).mean() < 4
    page.write(page.read(), objects=[box(box_view())])
    assert read_annotation(tmp_path / 'a.json').image_wh == IMAGE_WH


def test_files_that_cannot_be_used_stay_as_they_are(folder):
    (folder / 'box_0.json').write_text('{"objects": 3')
    (folder / 'box_1.png').write_bytes(b'no picture')
    page = Page(folder)
    for number in (0, 1):
        assert page.client.get(f'api/pictures/{page.ids[number]}').status_code == 422
    assert page.get('api/pictures')['pictures'][0]['error']
    assert (folder / 'box_0.json').read_text() == '{"objects": 3'


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(DataError):
        PictureFolder(tmp_path)
    with pytest.raises(DataError):
        PictureFolder(tmp_path / 'none')


def test_a_taken_port_is_told():
    with listen('127.0.0.1', 0) as taken, pytest.raises(ConfigError) as caught:
        listen('127.0.0.1', taken.getsockname()[1])
    assert caught.value.argument == 'port'


def test_live_solving_saves_nothing(folder):
    page, view = Page(folder), box_view()
    document = page.read()
    width, height = IMAGE_WH
    content = {
        **{'width': width, 'height': height, 'is_focal_free': True},
        'camera': {**document['camera'], 'source': 'typed'},
        'box': box(view),
    }
    path = f'api/pictures/{page.ids[0]}/solve'
    first = page.client.post(path, json=content).json()['solution']
    again = page.client.post(path, json={**content, 'start': first['state']}).json()['solution']
    np.testing.assert_allclose(again['keypoints'], first['keypoints'], atol=0.1)
    assert sorted(os.listdir(folder)) == ['box_0.png', 'box_1.png']


ODD_DRAFTS = ({'objects': 5}, {'objects': [3]}, {'objects': [{'id': ['a']}]})


@pytest.mark.parametrize('content', ODD_DRAFTS)
def test_drafts_that_the_page_did_not_write(folder, content):
    Page(folder)
    (folder / HIDDEN).mkdir(exist_ok=True)
    (folder / HIDDEN / 'box_0.json').write_text(json.dumps(content))
    page = Page(folder)
    listed = page.get('api/pictures')['pictures'][0]
    assert 'box_0.json' in listed['error']
    assert page.client.get(f'api/pictures/{page.ids[0]}').status_code == 422
    page.read(1)


ODD_CAMERAS = ({'source': []}, {'distortion': True}, {'distortion': [0.1] * 3})


@pytest.mark.parametrize('change', ODD_CAMERAS)
def test_cameras_that_the_page_did_not_choose(folder, change):
    page = Page(folder)
    camera = {'source': 'typed', 'fx': 600, 'fy': 600, 'cx': 400, 'cy': 300, **change}
    assert page.write(page.read(), camera=camera).status_code == 422
