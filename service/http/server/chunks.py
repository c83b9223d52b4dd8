"""The chunked transfer coding (RFC 9112, section 7.1), decoded while the chunks arrive."""

import re

from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, LimitRequestHeaders

MAX_LINE = 1_000  # bytes of a chunk's size with its extensions
MAX_TRAILER = 8_000  # bytes

# The size in hexadecimal digits, and extensions, which a recipient may ignore.
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~]*)?\r\n")


class Chunks:
    """The decoded part of a chunked body."""

    def __init__(self) -> None:
        self.body = bytearray()

    def take_from(self, received: bytearray) -> bool:
        """Decode the whole chunks at the beginning of `received`, and remove them from there.

        Returns whether the body is complete.

        Raises:
            ParseException: the chunks are malformed.
        """
        while line := SIZE_LINE.match(received):
            size, begin = int(line[1], 16), line.end()
            if size == 0:
                return _remove_trailer(received, begin)
            end = begin + size
            if len(received) < end + 2:
                return False
            if received[end : end + 2] != b"\r\n":
                raise ChunkMissingTerminator(bytes(received[end : end + 2]))
            self.body += received[begin:end]
            del received[: end + 2]
        if b"\n" in received or len(received) > MAX_LINE:
            raise InvalidChunkSize(bytes(received[:20]))
        return False


def _remove_trailer(received: bytearray, begin: int) -> bool:
    """Remove the last chunk, which ends at `begin`, with the trailer, which is not used."""
    # The trailer is empty, or ends with an empty line.
    end = received.find(b"\r\n\r\n", begin - 2)
    if end < 0:
        if len(received) > MAX_TRAILER:
            raise LimitRequestHeaders(f"the trailer is over the limit of {MAX_TRAILER} bytes")
        return False
    del received[: end + 4]
    return True
