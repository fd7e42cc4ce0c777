"""Types of scikit-learn that are made in C (losses of linear models, trees, neighbour indexes), and vectorizers of texts.

    SGDClassifier(loss="hinge").fit(X, y)._loss_function_      # Hinge(1.0), known by how it is made

Other estimators are plain objects. What these types say of themselves for copying is taken
as plain data; they are made again from it, by their own class.
"""

from .standard import Attributes, Value

_HEAP_TYPE = 1 << 9  # made by a `class` statement
_MIXIN = ("sklearn.feature_extraction.text", "_VectorizerMixin")


class Compiled(Value):
    """An instance that says how it is made again."""

    name = "sklearn.compiled"

    def save(self, value):
        function, arguments, state = super().save(value)
        if getattr(function, "__module__", "").partition(".")[0] not in ("sklearn", "copyreg"):
            raise TypeError(f"{type(value).__name__} is made by something else than scikit-learn")
        return (function, arguments, state)


_COMPILED = Compiled()
# it keeps the address of its stop words, to look at them once
_VECTORIZER = Attributes("sklearn.vectorizer", {"_stop_words_id"})
ADAPTERS = {adapter.name: adapter for adapter in (_COMPILED, _VECTORIZER)}


def find(cls):
    """How instances of `cls` are captured."""
    if any((base.__module__, base.__name__) == _MIXIN for base in cls.__mro__):
        return _VECTORIZER
    is_own = (cls.__module__ or "").partition(".")[0] == "sklearn"
    is_compiled = not cls.__flags__ & _HEAP_TYPE and cls.__reduce__ is not object.__reduce__
    return _COMPILED if is_own and is_compiled else None
