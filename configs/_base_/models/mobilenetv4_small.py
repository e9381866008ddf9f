model = dict(
    type='CenterPose',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[0.485, 0.456, 0.406],
        std=[0.229, 0.224, 0.225],
        channel_order='rgb',
    ),
    backbone=dict(type='TimmBackbone', name='mobilenetv4_conv_small'),
    neck=dict(type='IDAUpNeck', out_channels=64),
    head=dict(type='CenterPoseHead', num_classes=1, head_conv=64, use_association=True),
)
