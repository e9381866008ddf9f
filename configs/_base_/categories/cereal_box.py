_base_ = '../datasets/centerpose.py'

__metainfo = dict(category='cereal_box', symmetry=dict(type='NoSymmetry'), eval_num_symmetry=1)
train_dataloader = dict(dataset=dict(metainfo=__metainfo))
val_dataloader = dict(dataset=dict(metainfo=__metainfo))
test_dataloader = dict(dataset=dict(metainfo=__metainfo))
