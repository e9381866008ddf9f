_base_ = '../datasets/centerpose.py'

__metainfo = dict(
    category='chair', symmetry=dict(type='RotationalSymmetry', order=4), eval_num_symmetry=1
)
train_dataloader = dict(dataset=dict(metainfo=__metainfo))
val_dataloader = dict(dataset=dict(metainfo=__metainfo))
test_dataloader = dict(dataset=dict(metainfo=__metainfo))
