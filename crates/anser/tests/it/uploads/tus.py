"""Uploads a file with tuspy, an independent program of the protocol, with a checksum over every request.

    python tus.py <endpoint> <token> <file> <kilobytes of a request> [address to go on at]

Says how far it is after every request; after a break it asks how far the server is and goes on from there.
"""

import sys
import time

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

endpoint, token, path, kilobytes, *rest = sys.argv[1:]
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})


def uploader(url):
    return client.uploader(
        path,
        chunk_size=int(kilobytes) * 1024,
        metadata={"filename": "from-python.bin"},
        upload_checksum=True,
        url=url,
    )


def say(line):
    print(line, flush=True)


url = rest[0] if rest else None
deadline = time.monotonic() + 60
while True:
    try:
        one = uploader(url)
        if one.url is None:
            one.set_url(one.create_url())
        url = one.url
        while one.offset < one.get_file_size():
            one.upload_chunk()
            say(f"taken {one.offset}")
        break
    except (TusCommunicationError, OSError) as error:
        if time.monotonic() > deadline:
            raise
        say(f"again {getattr(error, 'status_code', None) or 'broken'}")
        time.sleep(0.05)
say(f"done {url}")
