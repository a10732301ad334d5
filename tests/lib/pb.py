"""pb.py -- just enough of protobuf's wire format to write requests and to find fields by their numbers."""
import struct


def _varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    """A text, bytes or a message that is encoded already; an integer; a float as a double. None is left out."""
    if value is None:
        return b""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, str):
        value = value.encode()
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def any_value(value):
    """google.protobuf.Value of a JSON value."""
    if value is None:
        return field(1, 0)
    if isinstance(value, bool):
        return field(4, int(value))
    if isinstance(value, (int, float)):
        return field(2, float(value))
    if isinstance(value, str):
        return field(3, value)
    if isinstance(value, dict):
        return field(5, struct_of(value))
    return field(6, b"".join(field(1, any_value(item)) for item in value))


def struct_of(members):
    """google.protobuf.Struct of a dict."""
    return b"".join(field(1, field(1, key) + field(2, any_value(value))) for key, value in members.items())


def _read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """(number, value) one after the other; bytes for what has a length, else an integer."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _read_varint(data, at)
        else:
            size, at = _read_varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at:at + size], at + size
            assert at <= len(data), "cut off"
        yield tag >> 3, value


def find(data, *path):
    """Every value at the end of a path of field numbers, through repeated fields."""
    if not path:
        return [data]
    return [found for number, value in fields(data) if number == path[0] for found in find(value, *path[1:])]


def first(data, number, default=b""):
    return next((value for n, value in fields(data) if n == number), default)
