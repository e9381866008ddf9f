"""The metric of category-level cuboid poses."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from cpose.building import build_checked
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.dump import write_dump
from cpose.evaluation.metric_spec import list_numbers
from cpose.evaluation.metric_table import COUNTS, build_metrics
from cpose.evaluation.records import (
    EvaluationRecord,
    record_from_arrays,
    record_image,
    record_to_arrays,
    warn_of_missing_annotations,
)
from cpose.evaluation.score_report import build_report
from cpose.registry import METRICS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import first_views


@METRICS.register_module()
class ObjectronMetric(BaseMetric):
    """Average precision at 3D IoU 0.5, viewpoint, size and pose errors.

    Always evaluates in the Objectron camera frame of the annotations. The numbers have no
    prefix, so the best checkpoint is kept with ``save_best='AP50_3DIoU'``.

    Args:
        protocol: Config of the rules for all numbers but ``AP50_3DIoU_tao``.
        tao_protocol: Config of the rules for ``AP50_3DIoU_tao``.
        extra_metrics: Configs of metrics of your own, functions in ``METRIC_SPECS`` that return a
            `MetricSpec`; their numbers and curves are reported like all others.
        dump_file: Where to write predictions and annotations as one JSON file, see `write_dump`.
        collect_device: ``cpu`` or ``gpu``, where ranks exchange results.
        collect_dir: Folder of that exchange.

    Attributes:
        metrics: What is measured, see `MetricSpec`.
        report: After an evaluation the full content of the JSON report (main process only), see
            `build_report`.
    """

    default_prefix = ''

    def __init__(
        self,
        protocol: Mapping[str, Any],
        tao_protocol: Mapping[str, Any],
        extra_metrics: Sequence[Mapping[str, Any]] = (),
        dump_file: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, collect_dir=collect_dir)
        self.protocol = build_checked(METRICS, protocol, EvaluationProtocol)
        self.tao_protocol = build_checked(METRICS, tao_protocol, EvaluationProtocol)
        self.metrics = build_metrics(extra_metrics)
        self.dump_file = dump_file
        self.report: dict[str, Any] = {}

    def process(self, data_batch: Mapping[str, Any], data_samples: Sequence[PoseResult]) -> None:
        """Keep one small element per image, None for one that could not be read.

        Args:
            data_batch: Batch of the dataloader; its ``data_samples`` hold the annotations.
            data_samples: Results of the model, one per image.
        """
        min_score = min(self.protocol.min_score, self.tao_protocol.min_score)
        for result, sample in zip(data_samples, first_views(data_batch), strict=True):
            if sample.is_replacement:
                self.results.append(None)
            else:
                self.results.append(record_to_arrays(record_image(result, sample, min_score)))

    def compute_metrics(self, results: list[dict[str, Any] | None]) -> dict[str, float]:
        """Return the numbers by name, after writing everything to ``report``."""
        self.warn_of_unread(results)
        records = [record_from_arrays(arrays) for arrays in results if arrays is not None]
        is_first = not self.report
        if is_first:
            warn_of_missing_annotations(records)
        self.write_dump(records)
        self.report = build_report(
            records, self.dataset_meta, self.protocol, self.tao_protocol, self.metrics
        )
        return {name: self.report[name] for name in self.number_names}

    def warn_of_unread(self, results: Sequence[Any]) -> None:
        """Log how many images could not be read."""
        unread = sum(item is None for item in results)
        if unread:
            text = (
                f'{unread} of {len(results)} images could not be read and are not counted. The '
                'log names them.'
            )
            print_log(text, logger='current', level=logging.WARNING)

    def write_dump(self, records: Sequence[EvaluationRecord]) -> None:
        """Write predictions and annotations, where a file is wanted."""
        if self.dump_file is not None:
            write_dump(self.dump_file, records, self.dataset_meta)

    @property
    def number_names(self) -> list[str]:
        """Return the names of the numbers that an evaluation returns."""
        return [*(number.key for _, number in list_numbers(self.metrics)), *COUNTS]
