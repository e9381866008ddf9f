"""Boxes in photographs, trained on synthetic pictures: about an hour on two CPU cores."""

_base_ = [
    '../_base_/models/mobilenetv4_small.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/cosine.py',
    '../_base_/default_runtime.py',
]

__size = (192, 192)
__realism = dict(box_span=(0.3, 0.95), flat_items=(0, 5), upright_items=(0, 4), solids=(0, 2))
model = dict(
    neck=dict(out_channels=64, out_stride=8),
    head=dict(head_conv=64, use_association=False),
)
train_dataloader = dict(
    dataset=dict(num_images=4000, image_wh=__size, input_wh=__size, realism=__realism)
)
val_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size, realism=__realism))
test_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size, realism=__realism))
