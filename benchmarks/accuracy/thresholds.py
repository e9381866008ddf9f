"""Where to cut off: what a model shows and misses at each threshold of the score.

The pictures are drawn and held out, from the test data of the model's config: a threshold for
photographs must not be chosen on the photographs that judge. Run
``python -m benchmarks.accuracy.thresholds --model cpose/weights/cuboid.safetensors``. The best
threshold by F1, of objects that are shown where one is, belongs into ``infer_score_thr``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from cpose.apis.builder import resolve_config
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.training import evaluate
from cpose.evaluation.dump import evaluate_dump
from cpose.evaluation.dump_reading import read_dump

THRESHOLDS = np.arange(0.2, 0.651, 0.05)


def main() -> None:
    """Measure and print a table in Markdown."""
    args = _parse()
    options = {'test_dataloader.dataset.num_images': args.num}
    config = resolve_config(None, args.model, options=options)
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, 'dump.json')
        evaluate(config, args.model, dump=dump, work_dir=folder)
        scores = np.concatenate([record.predictions.scores for record in read_dump(dump)[0]])
        rows = [judge(float(threshold), dump, scores) for threshold in THRESHOLDS]
    sys.stdout.write('| threshold | shown of the objects | recall | false per picture | F1 |\n')
    sys.stdout.write('| ---: | ---: | ---: | ---: | ---: |\n')
    for row in rows:
        sys.stdout.write(f'| {" | ".join(f"{value:.2f}" for value in row)} |\n')


def judge(
    threshold: float, dump: Path, scores: np.ndarray
) -> tuple[float, float, float, float, float]:
    """Return the columns of a row: threshold, share that is shown, recall, false ones, F1.

    Args:
        threshold: Least score of what is shown.
        dump: Predictions and annotations.
        scores: Those of all predictions.
    """
    extra = [{'type': name, 'min_score': threshold} for name in ('RecallAtScore', 'FalsePositives')]
    report = evaluate_dump(dump, **metric_settings(), extra_metrics=extra)
    parts = list(report['per_category'].values())
    num_objects = sum(part['num_objects'] for part in parts)
    num_found = sum(part['recall'] * part['num_objects'] for part in parts)
    false_per_picture = sum(part['false_positives'] for part in parts)
    num_kept = int((scores >= threshold).sum())
    num_true = num_kept - false_per_picture * report['num_images']
    f1 = 2 * num_true / (num_kept + num_objects)
    return threshold, num_true / num_objects, num_found / num_objects, false_per_picture, f1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', required=True, help='weights that carry their config')
    parser.add_argument('--num', type=int, default=500, help='pictures')
    return parser.parse_args()


if __name__ == '__main__':
    main()
