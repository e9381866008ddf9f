_base_ = './preprocessors/imagenet_rgb.py'

model = dict(
    backbone=dict(
        type='TimmBackbone',
        name='convnext_tiny',
        pretrained=False,
        out_strides=(4, 8, 16, 32),
        frozen_stages=0,
    ),
    neck=dict(type='IDAUpNeck', out_stride=4, conv=dict(type='PlainConv')),
)
