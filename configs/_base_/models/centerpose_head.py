"""The head of CenterPose: branches with their losses, codec, symmetry assignment, postprocessor.

All models inherit this file through that of their preprocessor; their own add backbone and neck.
"""

model = dict(
    type='CenterPose',
    head=dict(
        type='CenterPoseHead',
        num_classes=1,
        head_conv=256,
        use_association=True,
        # The order is that of the losses. loss=None leaves a branch untrained.
        branches=dict(
            hm=dict(
                type='CenterHeatmapBranch',
                loss=dict(
                    type='GaussianFocalLoss', loss_weight=1.0, alpha=2.0, beta=4.0, clamp=1e-4
                ),
            ),
            hm_hp=dict(
                type='CornerHeatmapBranch',
                loss=dict(
                    type='GaussianFocalLoss', loss_weight=1.0, alpha=2.0, beta=4.0, clamp=1e-4
                ),
            ),
            hps=dict(
                type='CornerDisplacementBranch', loss=dict(type='MaskedL1Loss', loss_weight=1.0)
            ),
            wh=dict(type='BoxSizeBranch', loss=dict(type='MaskedL1Loss', loss_weight=0.1)),
            reg=dict(type='CenterOffsetBranch', loss=dict(type='MaskedL1Loss', loss_weight=1.0)),
            hp_offset=dict(
                type='CornerOffsetBranch', loss=dict(type='MaskedL1Loss', loss_weight=1.0)
            ),
            scale=dict(
                type='DimsBranch',
                coder=dict(type='RelativeDims'),
                loss=dict(type='MaskedL1Loss', loss_weight=1.0),
            ),
        ),
        codec=dict(
            type='CenterPoseCodec',
            num_select=100,
            corner_rule=dict(type='SubpixelCorners'),
            center_rule=dict(type='BoxCenter'),
        ),
        criterion=dict(
            type='CenterPoseLoss',
            symmetry_assignment=dict(type='ObjectSymmetryAssignment', facing_bonus=0.3),
        ),
        postprocessor=dict(
            type='PosePostprocessor',
            eval_score_thr=0.05,
            infer_score_thr=0.3,
            nms_sigma=0.5,
            use_pnp=True,
            point_source=dict(type='DisplacementAndHeatmapPoints'),
            solver=dict(type='InFrontPnP'),
            dims_refiner=dict(type='PredictedDims'),
            max_relative_error=0.3,
        ),
    ),
)
