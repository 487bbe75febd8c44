"""Messages, made from proto/weft/v1 when the package is built."""
