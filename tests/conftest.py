"""Where pytest runs several workers (`-n 2 --dist loadgroup`), the oracle's tests of one fixture script share its recording."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "oracle" and "name" in getattr(getattr(item, "callspec", None), "params", ()):
            item.add_marker(pytest.mark.xdist_group(item.callspec.params["name"]))
