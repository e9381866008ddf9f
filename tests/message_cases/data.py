"""Data sets and images that cannot be used."""

import numpy as np
from mmengine.dataset import Compose

from cpose.annotation.board_page import write_board
from cpose.annotation.board_views import View
from cpose.annotation.calibrating import calibrate, check_yaml_name
from cpose.annotation.checks.checking import CheckedFile
from cpose.annotation.splitting import check_fractions, plan_split
from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.annotations.contradictions import (
    Contradictions,
    check_on_contradiction,
    report_contradictions,
)
from cpose.datasets.annotations.data_folders import find_folders
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.annotations.object_checks import check_classes
from cpose.datasets.base_dataset import check_packed
from cpose.datasets.conventions.consistency import Finding
from cpose.datasets.conventions.table import check_convention
from cpose.datasets.frame_pairs import PreviousNoise, join_frames
from cpose.datasets.image_reading import read_image
from cpose.datasets.metainfo import check_input_wh, normalise_metainfo
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.error_places import ConfigPlace
from cpose.files.outputs import prepare_new_folder
from cpose.metric_scale.boards import Board
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample


def with_file(content, call):
    def run(folder):
        file = folder / 'a.png'
        file.write_bytes(content)
        call(str(file))

    return run


def report_problems(folder):
    problems = DataProblems()
    for name in ('a.png', 'b.png'):
        problems.add('image without an annotation', name)
    problems.report('data')


def contradict(on_contradiction='raise'):
    turned = Finding(
        field='the 3D part',
        cause="is in the camera frame of OpenCV, not in Objectron's",
        relation='reprojection',
        form='camera_frame=opencv',
        magnitude=96.83,
        unit='px',
        objects=(0, 2),
    )
    unknown = Finding(
        field='scale and keypoints_3d',
        cause='contradict each other, and no known convention explains it',
        relation='scale',
        magnitude=1.7,
        unit='times',
        objects=(1,),
    )
    files = {'a.jpg': [turned], 'b.jpg': [turned, unknown]}
    report_contradictions(Contradictions(files, 3), 'data', on_contradiction)


PIPELINE = ConfigPlace(('test_dataloader.dataset.pipeline',))


def look(image_wh=(4, 3), count=0):
    return View('a.png', image_wh, np.arange(count), np.zeros((count, 2), np.float32))


def join_sizes(folder):
    samples = [
        PoseDataSample(name, wh, (64, 64), np.eye(2, 3), candidates=NOTHING)
        for name, wh in (('a_1.png', (64, 64)), ('a_2.png', (32, 32)))
    ]
    now, before = ({'inputs': None, 'data_samples': sample} for sample in samples)
    join_frames(now, before, PreviousNoise(), np.random.default_rng(0))


NOTHING = CuboidCandidates(
    labels=np.zeros(0, np.int64),
    centers_input=np.zeros((0, 2)),
    corners_input=np.zeros((0, 1, 8, 2)),
    is_corner_in_image=np.zeros((0, 1, 8), bool),
    is_center_in_image=np.zeros(0, bool),
    dims_metric=np.ones((0, 1, 3)),
    is_candidate=np.zeros((0, 1), bool),
)
CASES = {
    'frames of two sizes': join_sizes,
    'noise that is none': lambda folder: PreviousNoise.from_config({'center_losst': 0.1}),
    'noise beyond its range': lambda folder: PreviousNoise.from_config({'center_lost': 2}),
    'files that cannot be used': report_problems,
    'annotations that contradict themselves': lambda folder: contradict(),
    'convention that is none': lambda folder: check_convention('opencv'),
    'field of no convention': lambda folder: check_convention({'frame': 'opencv'}),
    'form of no convention': lambda folder: check_convention({'camera_frame': 'opencvv'}),
    'contradiction with another policy': lambda folder: check_on_contradiction('ignore'),
    'classes that are none': lambda folder: check_classes(['box'], ['cup']),
    'class of no category': lambda folder: check_classes({'mug': 'cupp'}, ['cup', 'shoe']),
    'fractions that do not make 1': lambda folder: check_fractions((0.8, 0.3)),
    'split by videos that nobody knows': lambda folder: plan_split(
        'data', [CheckedFile('data', 'a.jpg')], 'video', {'train': 1.0}
    ),
    'split of fewer groups than parts': lambda folder: plan_split(
        'data', [CheckedFile('data', 'a.jpg')], 'random', {'train': 0.8, 'val': 0.2}
    ),
    'split of no usable file': lambda folder: plan_split(
        'data', [], 'random', {'train': 0.8, 'val': 0.2}
    ),
    'board of another kind': lambda folder: Board('circles'),
    'board of few squares': lambda folder: Board(squares=(3, 5)),
    'board of too many markers': lambda folder: Board(squares=(30, 30)),
    'board of tiny squares': lambda folder: Board(square_mm=0.5),
    'board of large markers': lambda folder: Board(marker_mm=29),
    'board in another format': lambda folder: write_board('a.svg', Board()),
    'board of too many dots': lambda folder: write_board('a.pdf', Board(), 5000),
    'board that is nowhere': lambda folder: calibrate([look()] * 3, Board(), 'pictures'),
    'board in few views': lambda folder: calibrate([look((4, 3), 24)], Board(), 'pictures'),
    'board in turned pictures': lambda folder: calibrate(
        [look((4, 3), 24), look((3, 4), 24)], Board(), 'pictures'
    ),
    'camera to write as JSON': lambda folder: check_yaml_name('a.json'),
    'lists for other folders': lambda folder: find_folders(['a', 'b'], ['cup'], 'train.txt'),
    'folder of an unknown category': lambda folder: find_folders({'cap': 'a'}, ['cup', 'shoe']),
    'folder of two categories': lambda folder: find_folders(
        {'cup': 'a', 'shoe': ['b', 'a']}, ['cup', 'shoe']
    ),
    'result inside the data': lambda folder: prepare_new_folder('data/fixed', 'data', 'fix'),
    'class that is no category': lambda folder: SyntheticCuboidDataset(1).find_label('mug'),
    'items that are not packed': lambda folder: check_packed({}, [Compose([])], PIPELINE),
    'training image without annotation': lambda folder: ExpandSymmetries().transform(
        {'annotations': None, 'img_path': 'a.png'}
    ),
    'folder that is missing': lambda folder: scan_folder('nowhere'),
    'folder that is empty': lambda folder: scan_folder(str(folder)),
    'image that is missing': lambda folder: read_image('none.png'),
    'image that is empty': with_file(b'', read_image),
    'image that is too large': with_file(b'P6 60000 60000 255\n', read_image),
    'image of a format that is not read': with_file(b'%PDF-1.7', read_image),
    'image that is cut off': with_file(b'P6 60 60 255\n', read_image),
    'image that is none': with_file(b'garbage', read_image),
    'annotation that is missing': lambda folder: read_annotation('none.json'),
    'input size': lambda folder: check_input_wh((60, 64)),
    'metainfo that is unknown': lambda folder: normalise_metainfo({'classes': 'a'}),
    'category that is no text': lambda folder: normalise_metainfo({'category': 5}),
    'category that is there twice': lambda folder: normalise_metainfo({'category': ['a', 'a']}),
    'entries of another number': lambda folder: normalise_metainfo(
        {'category': ['a', 'b', 'c'], 'eval_num_symmetry': [1, 2]}
    ),
    'realism that is unknown': lambda folder: RealismSettings.from_config({'bluur': 0.1}),
    'realism out of range': lambda folder: RealismSettings.from_config({'noise': 1.5}),
}
