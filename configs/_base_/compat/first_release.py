"""What constructors filled in before configs wrote it out, by type.

A part of a config that lacks one of these keys gets it when the config is loaded, so configs and
checkpoints of version 0.1 give the numbers they gave.
"""

parts = dict(
    CenterNetColorJitter=dict(
        strength=0.4,
        lighting_std=0.1,
        eigenvalues=[0.2141788, 0.01817699, 0.00341571],
        eigenvectors=[
            [-0.58752847, -0.69563484, 0.41340352],
            [-0.5832747, 0.00994535, -0.81221408],
            [-0.56089297, 0.71832671, 0.41158938],
        ],
    ),
    DLA34=dict(out_strides=(4, 8, 16, 32), frozen_stages=0),
    DLAUpNeck=dict(out_stride=4, conv=dict(type='PlainConv')),
    DenseDisplacementLoss=dict(loss_weight=1.0),
    FAN=dict(arch='small', drop_path_rate=0.3, frozen_stages=0),
    GaussianFocalLoss=dict(loss_weight=1.0, alpha=2.0, beta=4.0, clamp=1e-4),
    HeatmapMSELoss=dict(loss_weight=1.0),
    IDAUpNeck=dict(out_stride=4, conv=dict(type='PlainConv')),
    KLDUncertaintyLoss=dict(loss_weight=1.0, prior=0.1),
    MaskedL1Loss=dict(loss_weight=1.0),
    MixedPrecisionOptimWrapper=dict(dtype='bf16'),
    ObjectronMetric=dict(
        protocol=dict(type='OneToOneProtocol'), tao_protocol=dict(type='TaoProtocol')
    ),
    ObjectSymmetryAssignment=dict(facing_bonus=0.3),
    OneToOneProtocol=dict(
        min_score=0.05, min_visibility=0.1, scale_rule=dict(type='GroundPlaneScale')
    ),
    PoseDataPreprocessor=dict(channel_order='bgr', size_divisor=32),
    RandomPoseAffine=dict(
        scale_range=(0.6, 1.4),
        border=128,
        flip_prob=0.5,
        rotate_prob=0.0,
        max_rotate_deg=15.0,
        keep_center=False,
    ),
    RelativeL1Loss=dict(loss_weight=1.0, min_target=1e-6),
    ReprojectedDims=dict(point_sigma=0.05, dims_sigma=0.25),
    RotationalSymmetry=dict(order=12),
    SyntheticCuboidDataset=dict(
        start_index=0,
        image_wh=(512, 512),
        objects=(1, 1),
        realism=dict(
            box_span=(0.2, 0.95),
            sides=(0.18, 3.2),
            pitch_deg=(0.0, 58.0),
            odd_camera=0.2,
            cut_off=0.25,
            print_density=1.0,
            flat_items=(0, 9),
            upright_items=(0, 7),
            solids=(0, 4),
            occluder=0.2,
            reflection=0.2,
            shadow_strength=(0.1, 0.65),
            defocus=0.2,
            blur=0.45,
            noise=0.7,
            compression=0.25,
            tone=0.9,
        ),
        fresh_each_epoch=False,
    ),
    TaoProtocol=dict(min_score=0.3, min_visibility=0.1, scale_rule=dict(type='GroundPlaneScale')),
    TimmBackbone=dict(out_strides=(4, 8, 16, 32), frozen_stages=0),
)
training_parts = dict(CenterPoseDataset=dict(max_objs=10))
"""The same for parts of ``train_dataloader`` alone."""
