"""SciPy: sparse matrices in compressed form.

    rows.sum()      # looks whether the indices are sorted, and keeps the answer in `rows`

What a matrix has found out about its indices is no state: it looks again. Other matrices are plain objects.
"""

from .standard import Attributes

_COMPRESSED = Attributes("scipy.sparse", {"_has_canonical_format", "_has_sorted_indices"})
ADAPTERS = {_COMPRESSED.name: _COMPRESSED}


def find(cls):
    """How instances of `cls` are captured."""
    bases = ((base.__module__ or "", base.__name__) for base in cls.__mro__)
    is_compressed = any(name == "_cs_matrix" and module.startswith("scipy.sparse") for module, name in bases)
    return _COMPRESSED if is_compressed else None
