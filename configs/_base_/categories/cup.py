_base_ = '../datasets/centerpose.py'

__metainfo = dict(
    category='cup', symmetry=dict(type='RotationalSymmetry', order=12), eval_num_symmetry=100
)
train_dataloader = dict(dataset=dict(metainfo=__metainfo))
val_dataloader = dict(dataset=dict(metainfo=__metainfo))
test_dataloader = dict(dataset=dict(metainfo=__metainfo))
