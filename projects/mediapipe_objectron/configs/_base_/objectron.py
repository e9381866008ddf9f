_base_ = ['cpose::_base_/models/centerpose_head.py', 'cpose::_base_/default_runtime.py']

__input_wh = (800, 800)

custom_imports = dict(imports=['mediapipe_objectron.objectron_runtime'])
runtime = dict(type='ObjectronRuntime', input_wh=__input_wh)
model = dict(
    head=dict(
        postprocessor=dict(
            # Duplicates are gone already: this leaves the scores as they are.
            nms_sigma=1e6,
            point_source=dict(type='DisplacementPoints'),
            dims_refiner=dict(type='ReprojectedDims', point_sigma=0.05, dims_sigma=0.25),
        )
    )
)
