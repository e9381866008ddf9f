"""The readers of foreign files, each with sound inputs to spoil and a way to use the result.

A target is a class with ``prepare(folder)``, called once in each process, and ``attack(rng)``,
which spoils an input, uses it, and returns whether what came out is what a sound input gives (True
where nothing can be compared). It raises what the reader raises.
"""

from .config_targets import Options, Resumes, Specs
from .data_targets import Annotations, CameraFiles, Images
from .model_targets import (
    CarriedConfig,
    DetectorOutputs,
    Dumps,
    ModelFile,
    OnnxFile,
    SafetensorsFile,
)
from .page_targets import AnnotationPage
from .video_targets import ScenesAndScales

TARGETS = {
    'annotations': Annotations,
    'images': Images,
    'cameras': CameraFiles,
    'checkpoints': ModelFile,
    'safetensors': SafetensorsFile,
    'onnx': OnnxFile,
    'carried configs': CarriedConfig,
    'dumps': Dumps,
    'specs': Specs,
    'options': Options,
    'detections': DetectorOutputs,
    'states of trainings': Resumes,
    'annotation page': AnnotationPage,
    'scenes and scales': ScenesAndScales,
}
