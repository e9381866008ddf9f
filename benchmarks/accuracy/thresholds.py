"""Where to cut off: what a model of boxes shows and misses at each threshold of the score.

The pictures are drawn and held out, from the test data of the model's config: a threshold for
photographs must not be chosen on the photographs that judge. Run
``python -m benchmarks.accuracy.thresholds --model cpose/weights/cuboid.safetensors``. The best
threshold by F1, of boxes that are shown where one is, belongs into ``infer_score_thr``.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.real.scoring import make_metric, score_results
from benchmarks.real.sets import AnnotatedPhotograph, RealSet, read_set
from cpose.apis.builder import resolve_config
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.registry import DATASETS
from cpose.structures.object_pose import PoseResult

THRESHOLDS = np.arange(0.2, 0.651, 0.05)


def main() -> None:
    """Measure and print a table in Markdown."""
    args = _parse()
    inferencer = CenterPoseInferencer(None, args.model)
    with tempfile.TemporaryDirectory() as folder:
        photographs = draw(args.model, args.num, Path(folder))
        least = make_metric(0.0).protocol.min_score
        results = list(inferencer([str(item.path) for item in photographs], score_thr=least))
        rows = [judge(float(threshold), photographs, results) for threshold in THRESHOLDS]
    sys.stdout.write('| threshold | shown of the boxes | recall | false per picture | F1 |\n')
    sys.stdout.write('| ---: | ---: | ---: | ---: | ---: |\n')
    for row in rows:
        sys.stdout.write(f'| {" | ".join(f"{value:.2f}" for value in row)} |\n')


def draw(model: str, number: int, folder: Path) -> list[AnnotatedPhotograph]:
    """Write the first test pictures of a model's config and read them again."""
    dataset = dict(resolve_config(None, model).test_dataloader.dataset, num_images=number)
    pictures = DATASETS.build(dataset)
    assert isinstance(pictures, SyntheticCuboidDataset)
    list(write_images(pictures, folder))
    return read_set(RealSet('drawn', str(folder)), folder)


def judge(
    threshold: float, photographs: Sequence[AnnotatedPhotograph], results: Sequence[PoseResult]
) -> tuple[float, float, float, float, float]:
    """Return the columns of a row: threshold, share that is shown, recall, false ones, F1."""
    scores = score_results(make_metric(threshold), photographs, results)
    num_kept = sum(pose.score >= threshold for result in results for pose in result.poses)
    num_false = scores['false_positives'] * len(results)
    num_true, num_boxes = num_kept - num_false, scores['num_objects']
    f1 = 2 * num_true / (num_kept + num_boxes)
    return threshold, num_true / num_boxes, scores['recall'], scores['false_positives'], f1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', required=True, help='weights that carry their config')
    parser.add_argument('--num', type=int, default=500, help='pictures')
    return parser.parse_args()


if __name__ == '__main__':
    main()
