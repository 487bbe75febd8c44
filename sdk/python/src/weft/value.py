"""JSON scalars, and the protobuf values that carry them."""

from __future__ import annotations

from typing import Mapping, Union

from google.protobuf import struct_pb2

Scalar = Union[str, int, float, bool, None]


def to_value(value: Scalar) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    raise TypeError(f"{value!r} is {type(value).__name__}; a str, a number, a bool or None would be right")


def from_value(value: struct_pb2.Value) -> Scalar:
    """Whole numbers come back as int: the wire knows floats only."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = float(value.number_value)
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return str(value.string_value)
    return bool(value.bool_value) if kind == "bool_value" else None


def from_values(values: Mapping[str, struct_pb2.Value]) -> dict[str, Scalar]:
    return {name: from_value(value) for name, value in values.items()}
