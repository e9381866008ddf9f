"""The reference's rules where ours differ, see docs/differences.md.

Merged last: ``presets = ['_base_/compat/tao.py']`` in a config or in ``--cfg-options``.
"""

__protocol = dict(type='TaoProtocol', min_score=0.3, min_visibility=0.1)

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
            dict(
                type='RandomPoseAffine',
                scale_range=(0.6, 1.3),
                scale_step=0.1,
                border=128,
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
    )
)
val_evaluator = dict(type='ObjectronMetric', protocol=__protocol)
test_evaluator = dict(type='ObjectronMetric', protocol=__protocol)
