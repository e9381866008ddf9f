"""Minutes on a CPU: a high learning rate, one cycle, few epochs."""

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=100.0),
)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=3e-3,
        pct_start=0.15,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=10, val_interval=10)
