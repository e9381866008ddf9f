_base_ = './preprocessors/centernet_bgr.py'

model = dict(
    backbone=dict(type='FAN', arch='base', drop_path_rate=0.3, frozen_stages=0),
    neck=dict(type='IDAUpNeck', out_stride=4, conv=dict(type='PlainConv')),
)
