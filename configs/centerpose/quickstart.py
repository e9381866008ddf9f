"""Boxes in minutes on two CPU cores, without any download: see `cpose quickstart`."""

_base_ = [
    '../_base_/models/mobilenetv4_small.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/cosine.py',
    '../_base_/default_runtime.py',
]

__size = (160, 160)
model = dict(
    neck=dict(out_channels=64, out_stride=8),
    head=dict(head_conv=64, use_association=False),
)
train_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size))
val_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size))
test_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size))
