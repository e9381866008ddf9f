import pytest
import torch

from cpose.errors import TrainingError

from ...user_errors import raises


def test_stops_and_names_iteration_terms_and_checkpoint(build_runner, tmp_path):
    runner = build_runner({'model.nan_at': 9})
    with pytest.raises(TrainingError) as caught:
        runner.train()
    message = str(caught.value)
    assert 'iteration 9 (epoch 2, batch 3)' in message
    assert 'loss_b=nan' in message
    assert str(tmp_path / 'run/epoch_1.pth') in message
    assert not (tmp_path / 'run/epoch_2.pth').exists()


def test_nothing_was_written_before(build_runner):
    with raises(TrainingError, 'loss'):
        build_runner({'model.nan_at': 1}).train()


@pytest.mark.slow
def test_checkpoint_of_the_resumed_run_is_named(build_runner, tmp_path):
    build_runner({'train_cfg.max_epochs': 1}).train()
    file = tmp_path / 'run/epoch_1.pth'
    runner = build_runner({'model.nan_at': 1, 'resume': True, 'load_from': str(file)})
    with raises(TrainingError, 'epoch_1.pth'):
        runner.train()


def test_broken_weights_are_not_saved(build_runner, tmp_path):
    runner = build_runner({'train_cfg.max_epochs': 1})
    runner.train()
    with torch.no_grad():
        runner.model.head.weight[0, 0] = float('inf')
    before = (tmp_path / 'run/epoch_1.pth').read_bytes()
    with raises(TrainingError, 'head.weight'):
        runner.save_checkpoint(runner.work_dir, 'epoch_1.pth')
    assert (tmp_path / 'run/epoch_1.pth').read_bytes() == before
