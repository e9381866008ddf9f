"""One process of a distributed toy training, started by torchrun or with Slurm's variables.

Usage: train_distributed.py FOLDER LAUNCHER BATCH_SIZE
"""

import sys
from pathlib import Path

import torch
from toy_training import loader, toy_config

from cpose.engine.processes import leave_processes
from cpose.registry import RUNNERS


def main(folder, launcher, batch_size):
    torch.set_num_threads(1)
    options = {
        'launcher': launcher,
        'train_dataloader': loader(8, batch_size=batch_size),
        'train_dataloader.dataset.use_global_noise': False,
        'val_dataloader': loader(5, batch_size=2),
        'val_dataloader.dataset.use_global_noise': False,
        'train_cfg.max_epochs': 2,
        'model.frozen_norm': True,
        'model.dropout': 0.0,
        'optim_wrapper.optimizer': {'type': 'SGD', 'lr': 0.1},
        'optim_wrapper.clip_grad': None,
    }
    runner = RUNNERS.build(toy_config(folder, options))
    runner.train()
    if runner.rank == 0:
        weights = runner.bare_model.state_dict()
        metrics = {
            name: float(history.current())
            for name, history in runner.message_hub.log_scalars.items()
            if name.startswith('val/')
        }
        torch.save({'weights': weights, 'metrics': metrics}, Path(folder) / 'result.pt')
    leave_processes()


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
