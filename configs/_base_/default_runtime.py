default_scope = 'cpose'
runner_type = 'cpose.PoseRunner'  # with the scope MMEngine's own registry finds it too

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    dataset_epoch=dict(type='DatasetEpochHook'),
    finite_loss=dict(type='FiniteLossHook'),
    logger=dict(type='LoggerHook', interval=50, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    progress=dict(type='RichProgressHook'),
    checkpoint=dict(
        type='AtomicCheckpointHook',
        interval=1,
        iter_interval=1000,
        keep_last=3,
        save_best='AP50_3DIoU',
        rule=None,  # the direction of the metric
    ),
    graceful_stop=dict(type='GracefulStopHook'),
    visualization=dict(type='PoseVisualizationHook', draw=False, interval=50, score_thr=0.3),
)
custom_hooks = []

env_cfg = dict(
    cudnn_benchmark=False,
    cudnn_deterministic=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl', timeout=1800),
)
randomness = dict(seed=1234, diff_rank_seed=False, deterministic=False)

val_cfg = dict()
test_cfg = dict()

log_level = 'INFO'
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
visualizer = dict(
    type='PoseVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)

load_from = None
resume = False
