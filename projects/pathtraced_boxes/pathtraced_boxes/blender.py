"""A scene and its room in Blender's Cycles. The world stays as it is in `cpose`: Y points up."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import cv2
import numpy as np
from mathutils import Matrix, Vector

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.shapes.solids import Solid

from .room import Model, Quad, Room

SENSOR = 36.0
"""Width of the virtual sensor in millimetres; it cancels out."""
PREVIEW = 0.15
"""Size of the picture from which the exposure is taken, relative to the final one."""
PREVIEWS = 3
PREVIEW_SAMPLES = 8
GAMMA = 2.2
"""Of the pixels of a picture: their brightness to this power is light."""
RAYS = 12
"""Rays along each side of a face by which its visible share is measured."""
SKY_MAP = 256
"""Columns of the table by which light paths find the bright parts of the sky."""
BOXINESS = 0.7
"""Models that fill more of the cuboid around them would be boxes without annotation."""


def render(scene: Scene, room: Room, seed: int, samples: int, threads: int, path: Path) -> None:
    """Render a picture to a PNG file.

    Args:
        scene: Camera, boxes, solids and lamp.
        room: Everything else.
        seed: Of the light paths.
        samples: Light paths of a pixel.
        threads: Of the processor.
        path: The file.
    """
    build(scene, room)
    world = bpy.context.scene
    world.cycles.seed = seed
    world.render.threads_mode, world.render.threads = 'FIXED', threads
    world.render.image_settings.file_format = 'PNG'
    world.render.filepath = str(path)
    _expose(world, room.exposure)
    world.cycles.samples = samples
    world.cycles.use_denoising = True
    world.cycles.denoising_quality = 'FAST'
    world.render.resolution_percentage = 100
    bpy.ops.render.render(write_still=True)


def build(scene: Scene, room: Room) -> None:
    """Replace everything that Blender holds by a scene and its room."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    world = bpy.context.scene
    world.render.engine = 'CYCLES'
    world.render.use_persistent_data = True
    world.cycles.device = 'CPU'
    world.cycles.max_bounces = 4
    world.cycles.caustics_reflective = world.cycles.caustics_refractive = False
    _set_camera(world, scene.camera)
    for number in range(len(scene.boxes)):
        _add_quads(f'box{number}', room.faces[6 * number : 6 * number + 6])
    for number, quad in enumerate(room.surfaces):
        _add_quads(f'surface{number}', [quad])
    for solid in scene.solids:
        _add_solid(solid)
    for model in room.models:
        _add_model(model)
    _light(world, room, scene.light)
    world.view_settings.view_transform = room.look


def visible_shares(scene: Scene) -> np.ndarray:
    """Return how much of each box's silhouette the camera sees, (N,) from 0 to 1.

    Rays go from the camera to points on the faces that are turned towards it; those outside the
    picture count as hidden. What `build` made last is tested.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    shares = []
    for number, _ in enumerate(scene.boxes):
        name = f'box{number}'
        seen, all_weights = 0.0, 0.0
        for point, weight in _face_points(bpy.data.objects[name], scene.camera):
            all_weights += weight
            pixel = scene.camera.project(point)
            if not ((pixel >= -0.5) & (pixel < np.array(scene.camera.image_wh) - 0.5)).all():
                continue
            seen += weight * (_first_hit(graph, scene.camera, point) == name)
        shares.append(seen / all_weights)
    return np.array(shares)


def keep_models(models: Sequence[Path]) -> list[Path]:
    """Return the models that can be read and do not look like boxes."""
    kept = []
    for path in models:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        try:
            meshes = _import(path)
        except RuntimeError:
            continue
        if meshes and _boxiness(meshes) <= BOXINESS:
            kept.append(path)
    return kept


def _set_camera(world: Any, camera: VirtualCamera) -> None:
    width, height = camera.image_wh
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    data = bpy.data.cameras.new('camera')
    data.sensor_fit, data.sensor_width = 'HORIZONTAL', SENSOR
    data.lens = fx * SENSOR / width
    data.clip_start, data.clip_end = 0.001, 1000.0
    # Blender's pixels have their centres at 0.5, those of `cpose` at 0.
    data.shift_x = (width / 2 - (cx + 0.5)) / width
    data.shift_y = ((cy + 0.5) - height / 2) * (fx / fy) / width
    item = bpy.data.objects.new('camera', data)
    axes = camera.cv_from_world * np.array([[1.0], [-1.0], [-1.0]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes.T, camera.position
    item.matrix_world = Matrix(pose.tolist())
    world.collection.objects.link(item)
    world.camera = item
    world.render.resolution_x, world.render.resolution_y = width, height
    # A pixel is as wide as 1 and as high as fx / fy; Blender wants both at least 1.
    aspect = fx / fy
    world.render.pixel_aspect_x = max(1.0, 1 / aspect)
    world.render.pixel_aspect_y = max(1.0, aspect)


def _add_quads(name: str, quads: Sequence[Quad]) -> None:
    """Add rectangles as one object."""
    corners = np.concatenate([quad.corners_world for quad in quads])
    mesh = bpy.data.meshes.new(name)
    faces = np.arange(4 * len(quads)).reshape(-1, 4)[:, ::-1]
    mesh.from_pydata(corners.tolist(), [], faces.tolist())
    uv = mesh.uv_layers.new()
    for number, quad in enumerate(quads):
        mesh.materials.append(_material(quad))
        mesh.polygons[number].material_index = number
        u, v = quad.repeat
        places = ((0, 0), (u, 0), (u, v), (0, v))  # bottom left, bottom right, top right, top left
        for loop, place in zip(mesh.polygons[number].loop_indices, places, strict=True):
            uv.data[loop].uv = place
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def _material(quad: Quad) -> Any:
    material = bpy.data.materials.new('quad')
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = next(node for node in nodes if node.type == 'BSDF_PRINCIPLED')
    surface.inputs['Roughness'].default_value = quad.roughness
    texture = nodes.new('ShaderNodeTexImage')
    texture.image = _image(quad.texture)
    texture.interpolation = 'Linear'
    links.new(texture.outputs['Color'], surface.inputs['Base Color'])
    if quad.glow > 0:
        links.new(texture.outputs['Color'], surface.inputs['Emission Color'])
        surface.inputs['Emission Strength'].default_value = quad.glow
    return material


def _image(texture: np.ndarray) -> Any:
    height, width = texture.shape[:2]
    image = bpy.data.images.new('texture', width, height)
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = texture[::-1, :, ::-1] / np.float32(255)
    image.pixels.foreach_set(pixels.ravel())
    return image


def _add_solid(solid: Solid) -> None:
    """Add a solid of revolution with one colour for each band."""
    rings = solid.rings_world
    count, sides = rings.shape[:2]
    mesh = bpy.data.meshes.new('solid')
    after = (np.arange(sides) + 1) % sides
    faces = [
        [k * sides + a, k * sides + b, (k + 1) * sides + b, (k + 1) * sides + a]
        for k in range(count - 1)
        for a, b in enumerate(after.tolist())
    ]
    lid = list(range((count - 1) * sides, count * sides))
    mesh.from_pydata(rings.reshape(-1, 3).tolist(), [], [*faces, lid])
    for colour in solid.colours:
        linear = (colour[::-1] / 255) ** GAMMA
        material = bpy.data.materials.new('solid')
        material.use_nodes = True
        surface = next(n for n in material.node_tree.nodes if n.type == 'BSDF_PRINCIPLED')
        surface.inputs['Base Color'].default_value = (*linear.tolist(), 1.0)
        surface.inputs['Roughness'].default_value = 0.3
        mesh.materials.append(material)
    for number, polygon in enumerate(mesh.polygons):
        polygon.material_index = min(number // sides, count - 1)
        polygon.use_smooth = number < len(faces)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new('solid', mesh))


def _add_model(model: Model) -> None:
    meshes = _import(model.file)
    if not meshes:
        return
    corners = _corners(meshes)
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = model.size / max(float(np.ptp(corners, axis=0).max()), 1e-6)
    middle = Vector(((low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2))
    place = Matrix.Translation((model.position[0], 0.0, model.position[1]))
    pose = place @ Matrix.Rotation(model.yaw, 4, 'Y') @ Matrix.Scale(scale, 4)
    for mesh in meshes:
        mesh.matrix_world = pose @ Matrix.Translation(-middle) @ mesh.matrix_world


def _import(path: Path) -> list[Any]:
    """Read an .obj file without turning its axes; Y is up in it."""
    known = set(bpy.data.objects)
    bpy.ops.wm.obj_import(filepath=str(path), forward_axis='Y', up_axis='Z')
    return [item for item in bpy.data.objects if item not in known and item.type == 'MESH']


def _corners(meshes: Sequence[Any]) -> np.ndarray:
    bpy.context.view_layer.update()
    return np.array([mesh.matrix_world @ Vector(c) for mesh in meshes for c in mesh.bound_box])


def _boxiness(meshes: Sequence[Any]) -> float:
    """Return the volume of the convex hull as a share of the cuboid around it."""
    import bmesh  # is there once bpy is

    corners = _corners(meshes)
    whole = bmesh.new()
    for mesh in meshes:
        whole.from_mesh(mesh.data)
    hull = bmesh.ops.convex_hull(whole, input=whole.verts)['geom']
    keep = {item for item in hull if isinstance(item, bmesh.types.BMFace)}
    others = [face for face in whole.faces if face not in keep]
    bmesh.ops.delete(whole, geom=others, context='FACES_ONLY')
    volume = abs(whole.calc_volume())
    whole.free()
    return float(volume / max(np.prod(np.ptp(corners, axis=0)), 1e-12))


def _light(world: Any, room: Room, lamp: Light) -> None:
    """Light everything by a panorama and, in some pictures, by the lamp of the scene."""
    world.world = bpy.data.worlds.new('sky')
    world.world.use_nodes = True
    world.world.cycles.sampling_method = 'MANUAL'
    world.world.cycles.sample_map_resolution = SKY_MAP
    nodes, links = world.world.node_tree.nodes, world.world.node_tree.links
    background = next(node for node in nodes if node.type == 'BACKGROUND')
    if room.sky is not None:
        picture = nodes.new('ShaderNodeTexEnvironment')
        picture.image = bpy.data.images.load(str(room.sky))
        turn, place = nodes.new('ShaderNodeMapping'), nodes.new('ShaderNodeTexCoord')
        # Panoramas have Z up.
        turn.inputs['Rotation'].default_value = (math.pi / 2, 0.0, room.sky_yaw)
        links.new(place.outputs['Generated'], turn.inputs['Vector'])
        links.new(turn.outputs['Vector'], picture.inputs['Vector'])
        links.new(picture.outputs['Color'], background.inputs['Color'])
    else:
        background.inputs['Color'].default_value = (0.8, 0.8, 0.8, 1.0)
    if room.sun > 0:
        data = bpy.data.lights.new('lamp', 'SUN')
        data.energy = room.sun
        data.angle = lamp.softness * 2
        item = bpy.data.objects.new('lamp', data)
        item.rotation_mode = 'QUATERNION'
        item.rotation_quaternion = Vector(lamp.direction.tolist()).to_track_quat('Z', 'Y')
        world.collection.objects.link(item)


def _expose(world: Any, brightness: float) -> None:
    """Set the exposure so that the picture gets a mean brightness, from small previews."""
    world.cycles.samples = PREVIEW_SAMPLES
    world.cycles.use_denoising = False
    world.render.resolution_percentage = round(100 * PREVIEW)
    path = world.render.filepath
    world.render.filepath = f'{path}.preview.png'
    for _ in range(PREVIEWS):
        bpy.ops.render.render(write_still=True)
        level = max(float(cv2.imread(world.render.filepath).mean()) / 255, 1 / 255)
        world.view_settings.exposure += GAMMA * math.log2(brightness / level)
    Path(world.render.filepath).unlink()
    world.render.filepath = path


def _face_points(box: Any, camera: VirtualCamera) -> list[tuple[np.ndarray, float]]:
    """Return points on the faces that the camera sees, and the area of each in the picture."""
    points = []
    steps = (np.arange(RAYS) + 0.5) / RAYS
    for polygon in box.data.polygons:
        corners = np.array([box.data.vertices[k].co for k in polygon.vertices])
        middle = corners.mean(axis=0)
        outwards = np.array(polygon.normal)
        if outwards @ (camera.position - middle) <= 0:
            continue
        quad = camera.project(corners)
        across, down = corners[1] - corners[0], corners[3] - corners[0]
        weight = cv2.contourArea(quad.astype(np.float32)) / RAYS**2
        points += [(corners[0] + a * across + b * down, weight) for a in steps for b in steps]
    return points


def _first_hit(graph: Any, camera: VirtualCamera, point: np.ndarray) -> str:
    start = Vector(camera.position.tolist())
    direction = Vector(point.tolist()) - start
    hit = bpy.context.scene.ray_cast(graph, start, direction.normalized())
    return hit[4].name if hit[0] else ''
