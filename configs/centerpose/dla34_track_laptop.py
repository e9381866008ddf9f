_base_ = [
    '../_base_/models/dla34_track.py',
    '../_base_/categories/laptop.py',
    '../_base_/schedules/track_15e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(type='VideoPairDataset', max_distance=3))
