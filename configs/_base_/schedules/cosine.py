"""Training from nothing: warm-up to a high learning rate, then half a cosine down."""

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=100.0),
    accumulative_counts=1,
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=400),
    dict(
        type='CosineAnnealingLR',
        T_max=16,
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=16,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=16, val_begin=1, val_interval=4)
