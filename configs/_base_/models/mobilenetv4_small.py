_base_ = './preprocessors/imagenet_rgb.py'

model = dict(
    backbone=dict(
        type='TimmBackbone',
        name='mobilenetv4_conv_small',
        pretrained=False,
        out_strides=(4, 8, 16, 32),
        frozen_stages=0,
    ),
    neck=dict(type='IDAUpNeck', out_stride=4, out_channels=64, conv=dict(type='PlainConv')),
    head=dict(head_conv=64),
)
