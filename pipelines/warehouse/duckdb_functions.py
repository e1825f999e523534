"""GoogleSQL's functions that DuckDB has no like of, in Python: for the connection of a query."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import duckdb

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the functions that googlesql_functions.macros calls ``py_…``."""
    texts: dict[str, Callable[[str], str]] = {
        "py_upper": str.upper,
        "py_lower": str.lower,
    }
    for name, function in texts.items():
        connection.create_function(name, function, ["VARCHAR"], "VARCHAR")
    connection.create_function(
        "py_json_value", json_value, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special"
    )
    connection.create_function("py_fingerprint", fingerprint, ["VARCHAR"], "BIGINT")


def json_value(text: str | None, path: str) -> str | None:
    """JSON_VALUE: the scalar at a path such as ``$.a[0].b``, numbers as they were written."""
    if text is None:
        return None
    try:
        value = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return None
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


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
