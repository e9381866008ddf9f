_base_ = 'cpose::centerpose/quickstart.py'

custom_imports = dict(imports=['example_dataset.csv_dataset'])

__dataset = dict(
    _delete_=True,
    type='CsvDataset',
    ann_file='boxes.csv',
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    input_wh=(128, 128),
)
__plain = [
    dict(type='LoadPoseImage'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(
    dataset=dict(
        **__dataset,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(type='RandomPoseAffine'),
            dict(type='CenterNetColorJitter'),
            dict(type='PackPoseInputs'),
        ],
    )
)
val_dataloader = dict(dataset=dict(**__dataset, pipeline=__plain))
test_dataloader = dict(dataset=dict(**__dataset, pipeline=__plain))
