_base_ = './centerpose_head.py'

model = dict(
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[0.485, 0.456, 0.406],
        std=[0.229, 0.224, 0.225],
        channel_order='rgb',
    ),
    backbone=dict(type='TimmBackbone', name='convnext_tiny'),
    neck=dict(type='IDAUpNeck'),
)
