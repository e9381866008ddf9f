"""Steps of the pipeline: loading and packing, symmetries, warps, colours."""
