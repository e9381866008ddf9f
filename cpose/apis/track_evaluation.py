"""Evaluate the tracks of a file against annotated frames, without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from mmengine.config import Config

from cpose.apis.config.evaluation_parts import metric_settings, set_data_root
from cpose.apis.config.load import load_config
from cpose.apis.inference.inference_parts import find_metainfo
from cpose.building import building
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.evaluation.metric_table import build_metrics
from cpose.evaluation.records import (
    EvaluationRecord,
    PredictedCuboids,
    known_annotations,
    warn_of_missing_annotations,
)
from cpose.evaluation.tracks.track_file import (
    RecordedPose,
    RecordedTracks,
    check_frame,
    predict_tracks,
    read_tracks,
)
from cpose.evaluation.tracks.track_metric import find_videos, report_tracks
from cpose.evaluation.tracks.track_table import TRACK_TABLE
from cpose.files.frame_names import split_frame_name
from cpose.registry import DATASETS, METRICS
from cpose.structures.image_record import ImageRecord

NOTHING = PredictedCuboids(
    np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 9, 3)), np.zeros((0, 9, 2))
)


def evaluate_tracks(
    path: str | Path,
    data_root: str | Path,
    config: str | Config | None = None,
    options: Mapping[str, Any] | None = None,
    eval_num_symmetry: int | None = None,
    scale_rule: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Evaluate the tracks of a video.

    Args:
        path: File that ``cpose infer --track`` wrote.
        data_root: Folder of annotated frames, numbered as in the video; of several videos the one
            is taken that is called like the video of the file.
        config: Config of the model, whose rules and categories count; None takes the categories
            that the file tells.
        options: Overrides by dotted key.
        eval_num_symmetry: Rotations that count as equal, for all categories.
        scale_rule: How lengths become metres, in place of the rule of the config.

    Returns:
        The report, see `cpose.evaluation.tracks.track_metric.report_tracks`.

    Raises:
        DataError: If the file or the data cannot be used, or do not fit each other.
        ConfigError: If the config is wrong.
    """
    tracks = read_tracks(path)
    loaded = load_config(config, options) if config else None
    meta = _choose_meta(tracks, loaded)
    frames = _choose_video(tracks, _read_annotations(data_root, meta, loaded), Path(data_root))
    warn_of_missing_annotations(frames)
    settings = metric_settings(loaded, None if loaded else options)
    for rules in ('protocol', 'tao_protocol') if scale_rule else ():
        settings[rules] = {**settings[rules], 'scale_rule': scale_rule}
    if eval_num_symmetry is not None:
        meta = {**meta, 'eval_num_symmetry': (eval_num_symmetry,) * len(meta['category'])}
    protocol, tao_protocol = (
        METRICS.build(dict(settings[rules])) for rules in ('protocol', 'tao_protocol')
    )
    metrics = (*build_metrics(settings.get('extra_metrics', ())), *TRACK_TABLE)
    least = min(protocol.min_score, tao_protocol.min_score)
    shown, found = (_predict(frames, poses, least) for poses in (tracks.shown, tracks.found))
    return report_tracks(shown, found, meta, protocol, tao_protocol, metrics)


def _choose_meta(tracks: RecordedTracks, config: Config | None) -> dict[str, tuple[Any, ...]]:
    """Return the meta information of the categories.

    Raises:
        DataError: If the file does not tell it, or is of another model than the config.
    """
    if config is None:
        if tracks.dataset_meta is None:
            raise DataError(
                'does not tell the symmetries of its categories',
                place=FilePlace(tracks.path, 'dataset_meta'),
                advice='Name the config of the model with {config}',
            )
        return tracks.dataset_meta
    meta = find_metainfo(config)
    own = set(tracks.categories)
    if tracks.dataset_meta is not None:
        own |= set(tracks.dataset_meta['category'])
        is_other = tracks.dataset_meta['category'] != meta['category']
    else:
        is_other = not own <= set(meta['category'])
    if is_other:
        raise DataError(
            f'has tracks of another model: its categories are {", ".join(sorted(own))}, those of '
            f'the config {", ".join(meta["category"])}',
            place=FilePlace(tracks.path),
            advice='Give the {config} of the model that followed the objects',
        )
    return meta


def _read_annotations(
    data_root: str | Path, meta: Mapping[str, Any], config: Config | None
) -> list[EvaluationRecord]:
    """Return the annotated frames of a folder, without predictions, read as by the config."""
    chosen: Any = {'type': 'CenterPoseDataset', 'data_root': str(data_root), 'metainfo': meta}
    if config is not None:
        set_data_root(config, data_root)
        chosen = config.test_dataloader.dataset
    with building(config or Config()):
        dataset = DATASETS.build({**chosen, 'pipeline': []})
    return [_record(dataset.load_record(index)) for index in range(len(dataset))]


def _record(image: ImageRecord) -> EvaluationRecord:
    return EvaluationRecord(
        image_name=image.image_path,
        image_wh=np.asarray(image.image_wh, np.float64),
        predictions=NOTHING,
        annotations=known_annotations(image.annotations, image.image_path),
        projection=image.pixel_projection,
        distortion=image.distortion,
    )


def _choose_video(
    tracks: RecordedTracks, records: Sequence[EvaluationRecord], root: Path
) -> list[EvaluationRecord]:
    """Return the frames of the video of a file, in their order.

    Raises:
        DataError: If it is not among them, or has no frame of the file, or another size.
    """
    videos = find_videos(records)
    names = {video: PurePath(video).name for video in videos}
    named = [video for video in videos if tracks.video in (video, names[video])]
    named = named or [video for video in videos if video.endswith(f'/{tracks.video}')]
    chosen = list(videos) if len(videos) == 1 else named
    if len(chosen) != 1:
        raise DataError(
            f'holds {len(videos)} videos ({", ".join(sorted(names.values()))}), and '
            f'{len(chosen)} of them are called {tracks.video}, as the video of {tracks.path}',
            argument='data',
            value=str(root),
            advice='Give the folder of the frames of this video',
        )
    frames = [records[place] for place in videos[chosen[0]]]
    numbers = [split_frame_name(record.image_name).number for record in frames]
    if not set(numbers) & set(tracks.shown):
        raise DataError(
            f'has tracks in the frames up to {tracks.last}, and none in the annotated ones, '
            f'{numbers[0]} to {numbers[-1]}',
            place=FilePlace(tracks.path),
            advice='Give the annotated frames of this video, numbered as in it from 0 on',
        )
    for record in frames:
        check_frame(tracks, record)
    return frames


def _predict(
    frames: Sequence[EvaluationRecord], poses: Mapping[int, list[RecordedPose]], least: float
) -> list[EvaluationRecord]:
    return [
        replace(
            record,
            predictions=predict_tracks(
                record, poses.get(split_frame_name(record.image_name).number, []), least
            ),
        )
        for record in frames
    ]
