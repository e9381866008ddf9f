"""Training from nothing in one cycle of a high learning rate."""

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=100.0),
)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=3e-3,
        pct_start=0.1,
        by_epoch=True,
        begin=0,
        end=16,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=16, val_interval=4)
