"""Shapes: what is inside an annotated cuboid, how it is sampled and how it is drawn.

A class of the registry `SHAPES` samples forms; a form paints one object. `carton`, `bottle`, `cup`,
`book` and `laptop` are the shipped ones. `lathe` draws surfaces of revolution, `gloss` lights
them, `wraps` print on them; `screens` show something; `solids` are simple round distractors.
"""
