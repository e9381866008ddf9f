"""Boxes in minutes on two CPU cores, without any download: see `cpose quickstart`."""

_base_ = [
    '../_base_/models/mobilenetv4_small.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/cosine.py',
    '../_base_/default_runtime.py',
]

__size = (128, 128)
__realism = dict(
    box_span=(0.5, 0.85),
    sides=(0.5, 1.8),
    pitch_deg=(12.0, 45.0),
    odd_camera=0.0,
    cut_off=0.0,
    print_density=0.5,
    flat_items=(0, 1),
    upright_items=(0, 1),
    solids=(0, 0),
    occluder=0.0,
    reflection=0.0,
    defocus=0.0,
    blur=0.0,
    noise=0.2,
    compression=0.0,
    tone=0.2,
)

model = dict(
    neck=dict(out_stride=8),
    head=dict(
        use_association=False,
        postprocessor=dict(
            dims_refiner=dict(type='ReprojectedDims', point_sigma=0.05, dims_sigma=0.25)
        ),
    ),
)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        image_wh=__size,
        input_wh=__size,
        realism=__realism,
        # Every picture is new, so there is no need to cut it differently each time.
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(type='LetterboxAffine'),
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
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(num_images=100, image_wh=__size, input_wh=__size, realism=__realism)
)
test_dataloader = dict(
    # Average precision of 200 pictures is off by up to 0.06.
    dataset=dict(num_images=600, image_wh=__size, input_wh=__size, realism=__realism)
)

optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(
        type='CosineAnnealingLR',
        T_max=11,
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=11,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=11, val_interval=11)
# Drawing pictures keeps a core busy.
env_cfg = dict(spare_cores=1)
