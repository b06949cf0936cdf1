"""Tells schemathesis how the bytes of an upload are written: as they are."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def bytes_of_an_upload(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
