"""How well a model does on annotated photographs, by the metric of ``cpose test``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.real.sets import AnnotatedPhotograph, RealSet
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.structures.camera import cv_from_gl
from cpose.structures.object_pose import ObjectPose, PoseResult
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
    metric = make_metric(inferencer.postprocessor.infer_score_thr)
    paths = [str(photograph.path) for photograph in photographs]
    results = list(inferencer(paths, score_thr=metric.protocol.min_score))
    return score_results(metric, photographs, results), results


def score_annotations(photographs: Sequence[AnnotatedPhotograph]) -> dict[str, float]:
    """Return the numbers of the annotations themselves: the best that a model can reach.

    It is less than 1 where the objects of a picture do not stand on its one ground plane.
    """
    results = [annotated_result(photograph) for photograph in photographs]
    return score_results(make_metric(min_score=0.0), photographs, results)


def score_results(
    metric: ObjectronMetric,
    photographs: Sequence[AnnotatedPhotograph],
    results: Sequence[PoseResult],
) -> dict[str, float]:
    """Return the numbers of results, one per picture."""
    for photograph, result in zip(photographs, results, strict=True):
        metric.process({'data_samples': [annotated_sample(photograph)]}, [result])
    metric.evaluate(len(results))
    names = ('num_images', 'num_objects', *NUMBERS)
    return {name: float(metric.report[name]) for name in names}


def make_metric(min_score: float) -> ObjectronMetric:
    """Return the metric of every evaluation, with the numbers of this benchmark.

    Args:
        min_score: The default threshold of a model.
    """
    extra = [
        {'type': 'ScaleFreeIoU'},
        {'type': 'RecallAtScore', 'min_score': min_score},
        {'type': 'FalsePositives', 'min_score': min_score},
    ]
    metric = ObjectronMetric(**metric_settings(), extra_metrics=extra)
    metric.dataset_meta = {
        'category': ('box',),
        'symmetry': (SYMMETRY,),
        'eval_num_symmetry': (1,),
    }
    return metric


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


def annotated_result(photograph: AnnotatedPhotograph) -> PoseResult:
    """Return the annotated objects as a model would find them, in units of their heights."""
    annotation = photograph.annotation
    cuboids = annotation.cuboids
    heights = cuboids.dims_metric[:, 1]
    poses = [
        ObjectPose(
            score=1.0,
            label=0,
            bbox_image=np.concatenate([points.min(axis=0), points.max(axis=0)]),
            corners_image=points[1:],
            dims=dims / height,
            keypoints_cv=cv_from_gl(keypoints) / height,
            keypoints_image=points,
        )
        for dims, height, keypoints, points in zip(
            cuboids.dims_metric, heights, cuboids.keypoints_gl, cuboids.keypoints_image, strict=True
        )
    ]
    return PoseResult(str(photograph.path), annotation.image_wh, annotation.intrinsics, poses)


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
