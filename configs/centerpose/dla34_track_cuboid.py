"""A network that reads the frame before, trained on drawn videos of boxes."""

_base_ = [
    '../_base_/models/dla34_track.py',
    '../_base_/datasets/synthetic_video.py',
    '../_base_/schedules/track_15e.py',
    '../_base_/default_runtime.py',
]

model = dict(neck=dict(conv=dict(type='PlainConv')), head=dict(head_conv=64))
