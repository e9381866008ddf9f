# Boxes that are drawn while training, and path-traced ones from a folder. Three of four pictures
# are drawn.
_base_ = 'cpose::centerpose/mobilenetv4_small_cuboid.py'

__rendered = dict(
    type='CenterPoseDataset',
    data_root='data/pathtraced',
    pipeline={{_base_.train_dataloader.dataset.pipeline}},
    metainfo={{_base_.train_dataloader.dataset.metainfo}},
    input_wh={{_base_.train_dataloader.dataset.input_wh}},
    seed=1,
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[{{_base_.train_dataloader.dataset}}, __rendered],
    )
)
