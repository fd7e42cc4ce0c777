"""Functions of libraries that open files through C: in a replay they are led to the scratch directory, too.

    torch.save(model.state_dict(), "best.pt")      # scratch/…/best.pt
    save_file(tensors, "model.safetensors")

They are replaced when the library is loaded.
"""

import functools
import os

from ._on_import import when_imported


def install(overlay):
    """From now on, for the files of `overlay`."""
    for name, patch in (("torch", _torch), ("safetensors", _safetensors), ("sqlite3", _sqlite)):
        when_imported(name, functools.partial(patch, overlay))


def _is_path(value):
    return isinstance(value, (str, os.PathLike))


def _torch(overlay, module):
    save, load = module.save, module.load

    def torch_save(obj, f, *args, **kwargs):
        return save(obj, overlay.replacing(f) if _is_path(f) else f, *args, **kwargs)

    def torch_load(f, *args, **kwargs):
        return load(overlay.content(f) if _is_path(f) else f, *args, **kwargs)

    module.save, module.load = torch_save, torch_load


def _safetensors(overlay, module):
    serialize, opened = module.serialize_file, module.safe_open

    def serialize_file(tensor_dict, filename, *args, **kwargs):
        return serialize(tensor_dict, overlay.replacing(filename), *args, **kwargs)

    def safe_open(filename, *args, **kwargs):
        return opened(overlay.content(filename), *args, **kwargs)

    module.serialize_file, module.safe_open = serialize_file, safe_open


def _sqlite(overlay, module):
    connect = module.connect

    def led_astray(database, *args, **kwargs):
        if isinstance(database, (str, bytes, os.PathLike)) and database != ":memory:":
            database = overlay.updating(database)
        return connect(database, *args, **kwargs)

    module.connect = led_astray
