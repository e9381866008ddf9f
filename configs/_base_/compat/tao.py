"""The reference's rules where ours differ, see docs/differences.md.

Merged last: ``presets = ['_base_/compat/tao.py']`` in a config or in ``--cfg-options``.
"""

model = dict(
    head=dict(
        codec=dict(corner_rule=dict(type='TruncatedCorners')),
        criterion=dict(symmetry_assignment=dict(_delete_=True, type='ImageSymmetryAssignment')),
        postprocessor=dict(
            eval_score_thr=0.3,
            point_source=dict(type='DisplacementPoints'),
            solver=dict(type='IterativePnP'),
            dims_refiner=dict(_delete_=True, type='PredictedDims'),
        ),
    )
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(type='TruncateCorners'),
            dict(type='RandomPoseAffine', scale_range=(0.6, 1.3)),
            dict(type='CenterNetColorJitter'),
            dict(type='PackPoseInputs'),
        ]
    )
)
val_evaluator = dict(type='ObjectronMetric', protocol=dict(type='TaoProtocol'))
test_evaluator = dict(type='ObjectronMetric', protocol=dict(type='TaoProtocol'))
