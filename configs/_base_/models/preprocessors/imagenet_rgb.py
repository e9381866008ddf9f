"""Statistics of ImageNet, red first: those of timm's weights."""

_base_ = '../centerpose_head.py'

model = dict(
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[0.485, 0.456, 0.406],
        std=[0.229, 0.224, 0.225],
        channel_order='rgb',
        size_divisor=32,
    ),
)
