"""Arrow's tables and tokenizers: known by their content."""

import pytest
from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes


def saved(value):
    made = _capture_bytes({"value": value})
    assert _describe_bytes(made)[2] == []
    return made


def state(value):
    return _describe_bytes(saved(value))[0]


def table(pyarrow, last=3):
    return pyarrow.table({"a": [1, 2, last], "b": ["x", None, "z"]})


def test_tables():
    pyarrow = pytest.importorskip("pyarrow")
    for part in (lambda it: it, lambda it: it.to_batches()[0], lambda it: it.column(0), lambda it: it.column(0).chunk(0)):
        one, same, other = part(table(pyarrow)), part(table(pyarrow)), part(table(pyarrow, 4))
        assert state(one) == state(same) != state(other)
        assert _restore_bytes(saved(one), {"value": same})["value"] is same
        with pytest.raises(RuntimeError, match="at this place"):
            _restore_bytes(saved(one), {"value": other})


def test_tables_over_memory_that_others_may_write():
    pyarrow, numpy = pytest.importorskip("pyarrow"), pytest.importorskip("numpy")
    array = numpy.arange(4)
    over = pyarrow.table({"a": array})
    before = state(over)
    array[0] = 9
    assert over["a"][0].as_py() == 9 and state(over) != before


def test_types():
    pyarrow = pytest.importorskip("pyarrow")
    schema = table(pyarrow).schema.with_metadata({"k": "v"})
    for value in (schema, schema.field(1), pyarrow.list_(pyarrow.int8())):
        made = _restore_bytes(saved(value), {"value": None})["value"]
        assert type(made) is type(value) and made.equals(value) and state(made) == state(value)


def test_tokenizers():
    tokenizers = pytest.importorskip("tokenizers")
    make = lambda words: tokenizers.Tokenizer(tokenizers.models.WordLevel({word: at for at, word in enumerate(words)}, "a"))
    one, same, other = make("abc"), make("abc"), make("abd")
    one.enable_padding(pad_id=2, pad_token="c"), one.enable_truncation(2, strategy="only_first")
    before = saved(one)
    assert state(one) != state(same) != state(other)
    assert _restore_bytes(before, {"value": same})["value"] is same
    assert state(same) == state(one) and same.padding == one.padding
    assert _restore_bytes(saved(make("abc")), {"value": same})["value"].truncation is None
    with pytest.raises(RuntimeError, match="at this place"):
        _restore_bytes(before, {"value": other})
