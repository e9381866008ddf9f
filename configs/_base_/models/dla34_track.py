"""CenterPoseTrack: reads the frame before, and predicts motions and standard deviations."""

_base_ = './preprocessors/centernet_bgr.py'

model = dict(
    data_preprocessor=dict(type='TrackPreprocessor'),
    backbone=dict(type='DLA34Track', pretrained=False, out_strides=(4, 8, 16, 32)),
    neck=dict(type='DLAUpNeck', out_stride=4, conv=dict(type='ModulatedDeformConv')),
    head=dict(
        use_association=False,
        branches=dict(
            hps=dict(loss=dict(type='KLDUncertaintyLoss', prior=0.1)),
            scale=dict(loss=dict(type='KLDUncertaintyLoss', prior=0.1)),
            tracking=dict(
                type='CenterTrackingBranch', loss=dict(type='MaskedL1Loss', loss_weight=1.0)
            ),
            tracking_hp=dict(
                type='CornerTrackingBranch', loss=dict(type='MaskedL1Loss', loss_weight=0.5)
            ),
        ),
    ),
)
