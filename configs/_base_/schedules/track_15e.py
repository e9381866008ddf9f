"""CenterPoseTrack: a few epochs, from weights of single frames."""

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1.25e-4),
    clip_grad=dict(max_norm=100.0),
    accumulative_counts=1,
)
param_scheduler = [dict(type='MultiStepLR', milestones=[6, 10], gamma=0.1, by_epoch=True)]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=15, val_begin=1, val_interval=1)
