import sys

import pytest

from benchmarks.accuracy.annotated_videos import main, place, read_truth
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset


def test_missing_videos_are_left_out_with_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['annotated_videos', '--data', str(tmp_path)])
    assert main() == 0
    assert f'cabinet is left out: {tmp_path / "cabinet"}' in capsys.readouterr().out


@pytest.mark.parametrize('count', [1, 2])
def test_only_corners_that_are_seen_are_placed(tmp_path, count):
    dataset = SyntheticCuboidDataset(1, image_wh=(160, 120), objects=(1, 1), seed=11)
    for name in ('a', 'b'):
        write_record(dataset.load_record(0), tmp_path, name, ('cuboid',))
    truth, _ = read_truth(sorted(tmp_path.glob('*.json')))
    placed = place(truth, count, 0)
    assert len(placed) == count
    shown = [number for number, point in enumerate(placed['0']) if point is not None]
    assert shown == truth[0].visible.tolist()
    assert 4 <= len(shown) <= 7
