"""What programs outside rely on in an exported model."""

OUTPUT_SIZES = {
    'bboxes': 4,
    'scores': 1,
    'kps': 16,
    'clses': 1,
    'obj_scale': 3,
    'kps_displacement_mean': 16,
    'kps_heatmap_mean': 16,
}
"""The first outputs in order, with the length of their last axis."""
