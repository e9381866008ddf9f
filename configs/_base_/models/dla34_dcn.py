_base_ = './preprocessors/centernet_bgr.py'

model = dict(
    backbone=dict(type='DLA34', pretrained=False, out_strides=(4, 8, 16, 32), frozen_stages=0),
    neck=dict(type='DLAUpNeck', out_stride=4, conv=dict(type='ModulatedDeformConv')),
)
