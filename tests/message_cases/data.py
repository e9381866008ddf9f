"""Data sets and images that cannot be used."""

from mmengine.dataset import Compose

from cpose.datasets.annotations.annotation import read_annotation
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.base_dataset import check_packed
from cpose.datasets.image_reading import read_image
from cpose.datasets.metainfo import check_input_wh, normalise_metainfo
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.datasets.transforms.symmetries import ExpandSymmetries
from cpose.error_places import ConfigPlace


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


PIPELINE = ConfigPlace(('test_dataloader.dataset.pipeline',))
CASES = {
    'files that cannot be used': report_problems,
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
