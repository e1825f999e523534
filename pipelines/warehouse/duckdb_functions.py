"""GoogleSQL's functions that DuckDB has no like of, in Python: for the connection of a query."""

from __future__ import annotations

import json
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache, wraps
from typing import Any

import duckdb

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the functions that googlesql_functions.macros calls ``py_…``."""
    functions: dict[str, tuple[Callable[..., Any], list[str], str]] = {
        "upper": (lambda text: text.upper(), ["VARCHAR"], "VARCHAR"),
        "lower": (lambda text: text.lower(), ["VARCHAR"], "VARCHAR"),
        "json_value": (json_value, ["VARCHAR", "VARCHAR"], "VARCHAR"),
        "fingerprint": (fingerprint, ["VARCHAR"], "BIGINT"),
        "offset": (offset_minutes, ["VARCHAR"], "BIGINT"),
        "from_hex": (from_hex, ["VARCHAR"], "VARCHAR"),
        "float_from_hex": (float_from_hex, ["VARCHAR"], "DOUBLE"),
        "numeric": (numeric, ["VARCHAR"], "VARCHAR"),
        "numeric_of": (lambda value: numeric(Decimal(value)), ["DOUBLE"], "VARCHAR"),
        "round": (rounded, ["DOUBLE", "BIGINT"], "DOUBLE"),
    }
    for name, (function, parameters, result) in functions.items():
        connection.create_function(
            f"py_{name}", _null_of_null(function), parameters, result, null_handling="special"
        )


def _null_of_null(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)  # DuckDB counts the parameters
    def of(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return of


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object, in their order: a name may be there twice."""


def json_value(text: str, path: str) -> str | None:
    """JSON_VALUE: the scalar at a path such as ``$.a[0].b``, numbers as they were written.

    Raises:
        ValueError: what Google's evaluator reads in its own way: JSON that is broken, or escapes
            of surrogates.
    """
    steps = [name or int(index) for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path)]
    if re.search(r"\\u[dD][89a-fA-F]", text):
        raise ValueError(f"?{_JSON} with \\ud83d or its like: the character itself in it")
    try:
        value = json.loads(
            text, parse_float=str, parse_int=str, object_pairs_hook=_Members, strict=False
        )
    except (ValueError, RecursionError) as error:
        names = [step for step in steps if isinstance(step, str)]
        if re.match(r"""\s*[{\["'0-9-]""", text) and (not names or names[-1] in text):
            raise ValueError(f"?{_JSON} that is broken: only rows whose JSON is whole") from error
        return None
    match = _at(value, steps)
    scalar = match[0] if match else None
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return scalar if isinstance(scalar, str) else None


_JSON = "JSON_VALUE of a text"


def _at(value: Any, steps: Sequence[str | int]) -> tuple[Any] | None:
    """The first value with the whole path, as the evaluator finds it."""
    if not steps:
        return (value,)
    step, *others = steps
    if isinstance(value, _Members):
        matches = (_at(member, others) for name, member in value if name == str(step))
        return next(filter(None, matches), None)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return _at(value[step], others)
    return None


def offset_minutes(zone: str) -> int | None:
    """The minutes east of UTC of a time zone such as ``+05:30``; None for an IANA name.

    Raises:
        ValueError: it is neither.
    """
    match = re.fullmatch(r"([+-])(\d{1,2})(?::?(\d{1,2}))?", zone, re.ASCII)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if int(match[3] or 0) < 60 and minutes <= 14 * 60:
            return -minutes if match[1] == "-" else minutes
    elif zone in _zones():
        return None
    raise ValueError(f"!Invalid time zone: {zone}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


def from_hex(text: str) -> str:
    """A whole number such as ``-0x1f`` in decimal digits."""
    return str(int(text.strip(), 16))


def float_from_hex(text: str) -> float:
    """A FLOAT64 such as ``0x1.8p3``; what is beyond it is infinite."""
    try:
        return float.fromhex(text.strip())
    except OverflowError:
        return math.inf


_NUMERIC = Context(prec=2000)


def numeric(value: str | Decimal) -> str:
    """A number to nine decimals, halves away from zero, as digits without an exponent."""
    exact = Decimal(value.strip()) if isinstance(value, str) else value
    return format(exact.quantize(Decimal("1e-9"), ROUND_HALF_UP, context=_NUMERIC), "f")


def rounded(value: float, digits: int) -> float:
    """ROUND(x, n) of the exact value of the FLOAT64, halves away from zero.

    Raises:
        ValueError: the result is beyond FLOAT64.
    """
    if not math.isfinite(value) or digits > 1074:
        return value
    if digits < -309:
        return math.copysign(0.0, value)
    unit = Decimal(1).scaleb(-digits)
    result = float(Decimal(value).quantize(unit, ROUND_HALF_UP, context=_NUMERIC))
    if math.isinf(result):
        raise ValueError("!Floating point overflow in function: ROUND")
    return result


def fingerprint(text: str) -> int:
    """FARM_FINGERPRINT: FarmHash's Fingerprint64 of the text in UTF-8, as an INT64.

    https://github.com/google/farmhash (farmhashna::Hash64)
    """
    value = _hash64(text.encode())
    return value - (1 << 64) if value >> 63 else value


def _fetch(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _rotated(value: int, by: int) -> int:
    return ((value >> by) | (value << (64 - by))) & _MASK


def _mixed(value: int) -> int:
    return value ^ (value >> 47)


def _pair(u: int, v: int, by: int) -> int:
    a = _mixed(((u ^ v) * by) & _MASK)
    return (_mixed(((v ^ a) * by) & _MASK) * by) & _MASK


def _hash64(data: bytes) -> int:
    size = len(data)
    if size <= 16:
        return _up_to_16(data)
    if size <= 32:
        by = _K2 + size * 2
        a, b = _fetch(data, 0) * _K1, _fetch(data, 8)
        c, d = _fetch(data, size - 8) * by, _fetch(data, size - 16) * _K2
        a, c, d = a & _MASK, c & _MASK, d & _MASK
        first = _rotated((a + b) & _MASK, 43) + _rotated(c, 30) + d
        return _pair(first & _MASK, (a + _rotated((b + _K2) & _MASK, 18) + c) & _MASK, by & _MASK)
    if size <= 64:
        return _up_to_64(data)
    return _longer(data)


def _up_to_16(data: bytes) -> int:
    size = len(data)
    by = (_K2 + size * 2) & _MASK
    if size >= 8:
        a, b = (_fetch(data, 0) + _K2) & _MASK, _fetch(data, size - 8)
        c = (_rotated(b, 37) * by + a) & _MASK
        d = ((_rotated(a, 25) + b) * by) & _MASK
        return _pair(c, d, by)
    if size >= 4:
        return _pair((size + (_fetch(data, 0, 4) << 3)) & _MASK, _fetch(data, size - 4, 4), by)
    if size == 0:
        return _K2
    y = data[0] + (data[size >> 1] << 8)
    z = size + (data[size - 1] << 2)
    return (_mixed((y * _K2 ^ z * _K0) & _MASK) * _K2) & _MASK


def _up_to_64(data: bytes) -> int:
    size = len(data)
    by = (_K2 + size * 2) & _MASK
    a, b = (_fetch(data, 0) * _K2) & _MASK, _fetch(data, 8)
    c, d = (_fetch(data, size - 8) * by) & _MASK, (_fetch(data, size - 16) * _K2) & _MASK
    y = (_rotated((a + b) & _MASK, 43) + _rotated(c, 30) + d) & _MASK
    z = _pair(y, (a + _rotated((b + _K2) & _MASK, 18) + c) & _MASK, by)
    e, f = (_fetch(data, 16) * by) & _MASK, _fetch(data, 24)
    g = ((y + _fetch(data, size - 32)) * by) & _MASK
    h = ((z + _fetch(data, size - 24)) * by) & _MASK
    last = (_rotated((e + f) & _MASK, 43) + _rotated(g, 30) + h) & _MASK
    return _pair(last, (e + _rotated((f + a) & _MASK, 18) + g) & _MASK, by)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_fetch(data, at + step) for step in (0, 8, 16, 24))
    a = (a + w) & _MASK
    b = _rotated((b + a + z) & _MASK, 21)
    c = a
    a = (a + x + y) & _MASK
    b = (b + _rotated(a, 44)) & _MASK
    return (a + z) & _MASK, (b + c) & _MASK


def _longer(data: bytes) -> int:
    size, seed = len(data), 81
    x = seed
    y = (seed * _K1 + 113) & _MASK
    z = (_mixed((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v = w = (0, 0)
    x = (x * _K2 + _fetch(data, 0)) & _MASK
    end = ((size - 1) // 64) * 64
    last = end + ((size - 1) & 63) - 63
    for at in range(0, end, 64):
        x = (_rotated((x + y + v[0] + _fetch(data, at + 8)) & _MASK, 37) * _K1) & _MASK
        y = (_rotated((y + v[1] + _fetch(data, at + 48)) & _MASK, 42) * _K1) & _MASK
        x ^= w[1]
        y = (y + v[0] + _fetch(data, at + 40)) & _MASK
        z = (_rotated((z + w[0]) & _MASK, 33) * _K1) & _MASK
        v = _weak(data, at, (v[1] * _K1) & _MASK, (x + w[0]) & _MASK)
        w = _weak(data, at + 32, (z + w[1]) & _MASK, (y + _fetch(data, at + 16)) & _MASK)
        z, x = x, z
    by = (_K1 + ((z & 0xFF) << 1)) & _MASK
    w = ((w[0] + ((size - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x = (_rotated((x + y + v[0] + _fetch(data, last + 8)) & _MASK, 37) * by) & _MASK
    y = (_rotated((y + v[1] + _fetch(data, last + 48)) & _MASK, 42) * by) & _MASK
    x ^= (w[1] * 9) & _MASK
    y = (y + v[0] * 9 + _fetch(data, last + 40)) & _MASK
    z = (_rotated((z + w[0]) & _MASK, 33) * by) & _MASK
    v = _weak(data, last, (v[1] * by) & _MASK, (x + w[0]) & _MASK)
    w = _weak(data, last + 32, (z + w[1]) & _MASK, (y + _fetch(data, last + 16)) & _MASK)
    z, x = x, z
    left = (_pair(v[0], w[0], by) + _mixed(y) * _K0 + z) & _MASK
    return _pair(left, (_pair(v[1], w[1], by) + x) & _MASK, by)
