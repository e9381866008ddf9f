"""The network of ``cuboid`` that also reads the frame before, trained on drawn videos of boxes.

Its first layers for the frame before begin at zero, so weights of ``cuboid`` find in every image
what they found before (docs/centerposetrack.md says how to start from them).
"""

_base_ = [
    '../_base_/models/efficientnet_lite0.py',
    '../_base_/datasets/synthetic_video.py',
    '../_base_/schedules/track_15e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(type='TrackPreprocessor'),
    backbone=dict(type='TimmTrack', frozen_stages=2),
    neck=dict(out_stride=8),
    head=dict(
        use_association=False,
        branches=dict(
            scale=dict(loss=dict(type='RelativeL1Loss', min_target=1e-6)),
            tracking=dict(
                type='CenterTrackingBranch', loss=dict(type='MaskedL1Loss', loss_weight=1.0)
            ),
            tracking_hp=dict(
                type='CornerTrackingBranch', loss=dict(type='MaskedL1Loss', loss_weight=0.5)
            ),
        ),
        postprocessor=dict(
            dims_refiner=dict(
                _delete_=True, type='ReprojectedDims', point_sigma=0.05, dims_sigma=0.25
            )
        ),
    ),
)
