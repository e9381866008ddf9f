"""Statistics of CenterNet, blue first: those of the published DLA-34 and FAN weights."""

_base_ = '../centerpose_head.py'

model = dict(
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[0.40789654, 0.44719302, 0.47026115],
        std=[0.28863828, 0.27408164, 0.27809835],
        channel_order='bgr',
        size_divisor=32,
    ),
)
