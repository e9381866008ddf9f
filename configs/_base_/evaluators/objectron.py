"""Metrics of validation and test: our rules, and the reference's for ``AP50_3DIoU_tao``."""

__metric = dict(
    type='ObjectronMetric',
    protocol=dict(
        type='OneToOneProtocol',
        min_score=0.05,
        min_visibility=0.1,
        scale_rule=dict(type='GroundPlaneScale'),
    ),
    tao_protocol=dict(
        type='TaoProtocol',
        min_score=0.3,
        min_visibility=0.1,
        scale_rule=dict(type='GroundPlaneScale'),
    ),
)
val_evaluator = __metric
test_evaluator = __metric
