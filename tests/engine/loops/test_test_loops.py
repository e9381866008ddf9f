"""``cpose test --track`` gives a network the frame before, whatever the order of the files."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric, Evaluator
from torch import nn
from torch.utils.data import DataLoader, Dataset

from cpose.apis import training
from cpose.apis.training import evaluate
from cpose.engine.loops import test_loops
from cpose.engine.loops.test_loops import PyramidTestLoop, VideoTestLoop
from cpose.errors import ConfigError
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

from ...codecs.scenes import slanted_box
from ...user_errors import raises

WH = (64, 64)
NAMES = ['a/f_10.png', 'a/f_8.png', 'a/f_9.png', 'b/f_1.png', 'b/f_0.png']
TRACKER = {'type': 'PoseTracker'}


class Frames(Dataset):
    """Pictures whose brightness is their place."""

    def __len__(self):
        return len(NAMES)

    def get_data_info(self, index):
        return {'img_path': NAMES[index]}

    def __getitem__(self, index):
        sample = PoseDataSample(NAMES[index], WH, WH, np.eye(2, 3))
        return {'inputs': torch.full((3, 64, 64), index), 'data_samples': sample}


class Network(nn.Module):
    """Find two objects, one of which has too low a score to be shown, and note what it reads."""

    def __init__(self, is_reading):
        super().__init__()
        self.data_preprocessor = SimpleNamespace(reads_previous=is_reading)
        self.head = SimpleNamespace(postprocessor=SimpleNamespace(infer_score_thr=0.3))
        self.seen = []

    def test_step(self, batch):
        results = []
        for pixels, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            previous = None if len(pixels) == 3 else NAMES[int(pixels[3, 0, 0])]
            peaks = 0 if sample.previous is None else len(sample.previous.planes)
            self.seen.append((sample.image_path, previous, peaks))
            corners = slanted_box((30, 30), (20, 20))
            box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
            poses = [ObjectPose(score, 0, box, corners, np.ones(3)) for score in (0.9, 0.2)]
            results.append(PoseResult(sample.image_path, WH, None, poses))
        return results


class Counting(BaseMetric):
    """Count poses."""

    def process(self, data_batch, data_samples):
        self.results += [len(result.poses) for result in data_samples]

    def compute_metrics(self, results):
        return {'poses': sum(results)}


def run(is_reading):
    network = Network(is_reading)
    runner = SimpleNamespace(
        model=network,
        visualizer=SimpleNamespace(),
        launcher='none',
        call_hook=lambda *_, **__: None,
    )
    loader = DataLoader(Frames(), batch_size=2, collate_fn=pseudo_collate)
    loop = VideoTestLoop(runner, loader, Evaluator(Counting()), TRACKER)
    return network.seen, loop.run()


def test_frames_come_in_order_and_know_the_one_before():
    seen, numbers = run(is_reading=True)
    assert seen == [
        ('a/f_8.png', None, 0),
        ('a/f_9.png', 'a/f_8.png', 9),
        ('a/f_10.png', 'a/f_9.png', 9),
        ('b/f_0.png', None, 0),
        ('b/f_1.png', 'b/f_0.png', 9),
    ]
    assert numbers == {'poses': 2 * len(NAMES)}


def test_other_networks_see_images_alone():
    seen, numbers = run(is_reading=False)
    assert seen == [(name, None, 0) for name in NAMES]
    assert numbers == {'poses': 2 * len(NAMES)}


def test_processes_share_no_video(monkeypatch):
    monkeypatch.setattr(test_loops, 'get_world_size', lambda: 2)
    with raises(ConfigError, argument='launcher'):
        run(is_reading=True)


def test_several_scales_are_refused():
    runner = SimpleNamespace(model=Network(is_reading=True), visualizer=SimpleNamespace())
    loader = DataLoader(Frames(), collate_fn=pseudo_collate)
    with raises(ConfigError, argument='scales'):
        PyramidTestLoop(runner, loader, Evaluator(Counting()), scales=[1, 2])


def test_the_option_chooses_the_loop(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(
        training.PoseRunner, 'from_cfg', classmethod(lambda cls, cfg: seen.update(cfg))
    )
    options = {'test_cfg.fp16': True, 'tracker': {'type': 'CornerTracker'}}
    with pytest.raises(AttributeError):
        evaluate(
            'dla34_track_cuboid',
            tmp_path / 'a.pth',
            work_dir=tmp_path,
            options=options,
            track=True,
        )
    assert seen['test_cfg'] == {
        'type': 'VideoTestLoop',
        'tracker': options['tracker'],
        'fps': 30.0,
        'fp16': True,
    }
