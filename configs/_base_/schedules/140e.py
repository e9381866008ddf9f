optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=6e-5),
    clip_grad=dict(max_norm=100.0),
    accumulative_counts=1,
)
param_scheduler = [dict(type='MultiStepLR', milestones=[90, 120], gamma=0.1, by_epoch=True)]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=140, val_begin=1, val_interval=1)
