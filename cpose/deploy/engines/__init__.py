"""From ONNX files to engines of TensorRT and of TensorRT for RTX."""
