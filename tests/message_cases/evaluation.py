"""Predictions, truth and metrics that cannot be evaluated."""

import json
from types import SimpleNamespace

import numpy as np

from cpose.evaluation.dump_reading import DumpFields, read_dump
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber, measure_pairs
from cpose.evaluation.metric_table import build_metrics
from cpose.evaluation.records import record_image

WRONG = MetricSpec('wrong', '', lambda pairs: np.zeros(7), ())
HEAD = {'format': 'cpose-predictions', 'version': 1}
META = {'category': ['cup'], 'symmetry': [{'type': 'NoSymetry'}], 'eval_num_symmetry': [1]}
UNLABELLED = SimpleNamespace(annotations=None, image_path='street.png')


def read(**content):
    def run(folder):
        file = folder / 'dump.json'
        file.write_text(json.dumps(content))
        read_dump(file)

    return run


CASES = {
    'dump of another format': read(format='other', version=1),
    'dump without images': read(
        **HEAD, dataset_meta={**META, 'symmetry': [{'type': 'NoSymmetry'}]}
    ),
    'dump of an unknown symmetry': read(**HEAD, dataset_meta=META),
    'dump that is no object': lambda folder: DumpFields([1], 'dump.json'),
    'field that is no object': lambda folder: DumpFields(7, 'dump.json', 'images[3]'),
    'field of another shape': lambda folder: DumpFields({'a': 'x'}, 'dump.json').array('a', (9, 3)),
    'image without annotation': lambda folder: record_image(None, UNLABELLED, 0.1),
    'number of rotations': lambda folder: build_evaluation_symmetry(None, 0),
    'symmetry that is unknown': lambda folder: build_evaluation_symmetry({'type': 'CuboidSymetry'}),
    'metrics of one key': lambda folder: build_metrics([{'type': lambda: WRONG}] * 2),
    'values of another number': lambda folder: measure_pairs([WRONG], SimpleNamespace(matched=[1])),
    'threshold off the curve': lambda folder: MetricSpec(
        'depth', 'Depth', None, (ReportedNumber('AP_depth', '', 0.3),), (0.0, 1.0)
    ),
}
