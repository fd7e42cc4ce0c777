"""Every statement and expression of Python 3.12, once."""
from __future__ import annotations
import os, os . path as p
from . import (a as b, c,)
from ..pkg.mod import *
global g1, g2

type Pair[T: int, *Ts, **P] = tuple[T, *Ts]

@decorate
@(other . decorator)(1)
async def f[T](a, b: int = 1, /, c=2, *args: T, d, e: str = "x", **kwargs) -> None:
    nonlocal outer
    await x; yield; y = yield 1
    async for i in aiter(): break
    async with open() as o, lock: pass
    return [v async for v in w if v if not v]

class C(Base, metaclass=M, **kw):
    x: int
    (y): float = 1.5
    def m(self): return self.x

def g(*, k): yield from k
def h(*, k=1, **r): return

del a, b[0], (c.d, e)
a = b, *c = [1, *d]
a, (b, c.d[1:2, ::3]) = 1, 2
x += 1; x -= 1; x *= 2; x /= 2; x //= 2; x %= 2; x @= m; x **= 2; x >>= 1; x <<= 1; x &= 1; x ^= 1; x |= 1

for i, (j, *k) in enumerate(z):
    continue
else:
    pass
while not done and (n := len(q)) > 1 or q:
    break
else:
    pass
if a < b <= c != d == e > f >= g is h is not i in j not in k:
    pass
elif a: pass
elif b:
    pass
else:
    pass
with (open(a) as f, open(b)): pass
with (yield), (a, b): pass
with (a): pass
try:
    raise E from e
except (A, B) as err:
    raise
except C: pass
except:
    pass
else:
    assert a, "msg"
finally:
    assert b
try: pass
except* G as eg: pass

match a, b:
    case 1 | -1.5 | 2+3j | "s" "t" | None | True | m.x: pass
    case [x, *_, y] | (x, *rest) if x: pass
    case {"k": v, 1: _, **others}: pass
    case Point(0, x=1, y=Q() as q): pass
    case _ as z: pass
    case _: pass
match (x): 
    case w: pass

lambda: 0
lambda a, /, b=1, *c, d=2, **e: a if b else c
{**a, "k": 1}, {1, *b}, {}, (), (1,), [], {k: v for k, v in d}, {s for s in t}, [(yield)], (e for e in f)
f(a, *b, k=1, **c)(x for x in y)
~a + -b - +c * d / e // f % g ** h @ i << j >> k & l | m ^ n
not a, await_, ..., 0xFF, 0b1_0, 1_000, 123456789012345678901234567890, 1e3, 2.5j, b"\x00\377" rb"\n"
"a" 'b\n' r"\n" u"ü" """c
d"""
f"", f"a{{b}}{x}", f"{x!r:>{w}.{p}}" "tail" f"{y = }", rf"\{z}\d", F'{f"{n["k"]}"}', f"{a, b}{(lambda: 1)()}{ {1} }"
f"\N{BULLET}\x41{x:%H:%M\x41}"
f'''{
    x  # why
    + 1
:>{
    w}}
'''
