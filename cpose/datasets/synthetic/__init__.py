"""Procedural pictures of boxes with exact annotations, drawn with OpenCV alone.

The way of an image: `scene` samples camera, boxes and what stands around; `visibility` says what of
each box can be seen; `render` draws from far to near with the modules of `painting`;
`camera_effects` turns the clean picture into something a phone could have taken.

Frames. World: origin on the support plane below the camera, X right, Y up, −Z ahead, metres.
Pixels: integer coordinates are pixel centres, as in OpenCV's warps.
"""
