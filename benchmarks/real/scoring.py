"""How well a model does on annotated photographs, by the metric of ``cpose test``."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.real.sets import AnnotatedPhotograph, RealSet
from cpose.apis.config.evaluation_parts import shipped_protocols
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

NUMBERS = {
    'AP50_3DIoU': 'AP@0.5',
    'mean_3DIoU': 'IoU',
    'AP50_scale_free': 'AP, free',
    'mean_IoU_scale_free': 'IoU, free',
    'recall': 'recall',
    'MPE_2D_px': 'px',
    'false_positives': 'false',
}
"""What is told of a set: names in the report of the metric, and headings."""

ONLY_COMPLETE = ('false_positives',)
"""Numbers that sets with boxes that are not annotated add nothing to."""

SYMMETRY = {'type': 'CuboidSymmetry'}
"""A box has no front: its four names about the up axis are equal."""


def score_set(
    inferencer: CenterPoseInferencer, photographs: Sequence[AnnotatedPhotograph]
) -> tuple[dict[str, float], list[PoseResult]]:
    """Return the numbers of one set, and what was found in each of its pictures.

    Predictions that score too little for a user count for the average precision, as in every
    evaluation; recall and false positives are those at the default threshold.
    """
    metric = make_metric(inferencer)
    results = list(find_poses(inferencer, photographs, metric.protocol.min_score))
    for photograph, result in zip(photographs, results, strict=True):
        metric.process({'data_samples': [annotated_sample(photograph)]}, [result])
    metric.evaluate(len(results))
    names = ('num_images', 'num_objects', *NUMBERS)
    return {name: float(metric.report[name]) for name in names}, results


def make_metric(inferencer: CenterPoseInferencer) -> ObjectronMetric:
    """Return the metric of every evaluation, with the numbers of this benchmark."""
    min_score = inferencer.postprocessor.infer_score_thr
    extra = [
        {'type': 'ScaleFreeIoU'},
        {'type': 'RecallAtScore', 'min_score': min_score},
        {'type': 'FalsePositives', 'min_score': min_score},
    ]
    metric = ObjectronMetric(**shipped_protocols(), extra_metrics=extra)
    metric.dataset_meta = {
        'category': inferencer.categories,
        'symmetry': (SYMMETRY,),
        'eval_num_symmetry': (1,),
    }
    return metric


def find_poses(
    inferencer: CenterPoseInferencer,
    photographs: Sequence[AnnotatedPhotograph],
    score_thr: float,
) -> Iterator[PoseResult]:
    """Infer as a user does; the camera is that of the annotation."""
    paths = [str(photograph.path) for photograph in photographs]
    return inferencer(paths, score_thr=score_thr)


def annotated_sample(photograph: AnnotatedPhotograph) -> PoseDataSample:
    """Return what the metric needs to know of a picture."""
    annotation = photograph.annotation
    return PoseDataSample(
        image_path=str(photograph.path),
        image_wh=annotation.image_wh,
        input_wh=annotation.image_wh,
        input_from_image=np.eye(3)[:2],
        intrinsics=annotation.intrinsics,
        annotations=annotation.cuboids,
        projection=annotation.projection,
    )


def average_sets(scores: dict[str, dict[str, float]], sets: Sequence[RealSet]) -> dict[str, float]:
    """Return the mean of each number over the sets; pictures and objects are added up."""
    whole: dict[str, Any] = {
        name: sum(score[name] for score in scores.values())
        for name in ('num_images', 'num_objects')
    }
    for name in NUMBERS:
        counted = [
            scores[item.name][name]
            for item in sets
            if item.name in scores and (item.is_complete or name not in ONLY_COMPLETE)
        ]
        known = [value for value in counted if np.isfinite(value)]
        whole[name] = float(np.mean(known)) if known else float('nan')
    return whole
