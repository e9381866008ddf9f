"""The nine categories of Objectron in one network: a centre heatmap, a symmetry and a row each."""

_base_ = [
    '../_base_/models/dla34.py',
    '../_base_/datasets/centerpose.py',
    '../_base_/schedules/140e.py',
    '../_base_/default_runtime.py',
]

__none = dict(type='NoSymmetry')
__round = dict(type='RotationalSymmetry', order=12)
__chair = dict(type='RotationalSymmetry', order=4)
__metainfo = dict(
    category=['bike', 'book', 'bottle', 'camera', 'cereal_box', 'chair', 'cup', 'laptop', 'shoe'],
    symmetry=[__none, __none, __round, __none, __none, __chair, __round, __none, __none],
    eval_num_symmetry=[1, 1, 100, 1, 1, 1, 100, 1, 1],
)
model = dict(head=dict(num_classes=9))
train_dataloader = dict(dataset=dict(metainfo=__metainfo))
val_dataloader = dict(dataset=dict(metainfo=__metainfo))
test_dataloader = dict(dataset=dict(metainfo=__metainfo))
