"""The ingestion door for programs: `POST /api/v1/ingest/batches`, NDJSON, plain or gzip.

The whole body is read and checked before the database is asked for anything.
"""

import zlib
from hashlib import sha256
from typing import Final

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from kernel.actor import Kind
from kernel.web import api, current_work, signed_in
from portal.production import ingest
from portal.production.errors import (
    BatchMalformed,
    BatchTooLarge,
    BodyDamaged,
    EncodingUnknown,
    KeyMissing,
)
from portal.production.lines import read_body

PACKED_LIMIT: Final = 5 * 1024 * 1024
UNPACKED_LIMIT: Final = 50 * 1024 * 1024
LONGEST_KEY: Final = 255
_STEP: Final = 64 * 1024

bp = api("ingest", __name__, audience=Kind.INGEST, url_prefix="/api/v1/ingest")


@bp.post("/batches")
@signed_in(write=True)
def send_batch() -> ResponseReturnValue:
    """Store a batch of the token's source and say what became of every line."""
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key.encode()) <= LONGEST_KEY:
        raise KeyMissing
    body = unpack(_read_packed(), request.headers.get("Content-Encoding", "identity"))
    lines, problems = read_body(body)
    if problems:
        raise BatchMalformed(problems)
    batch = ingest.Batch(key=key, body_sha256=sha256(body).digest(), lines=lines)
    receipt = ingest.accept(current_work(), batch)
    return jsonify(receipt.to_json())


def _read_packed() -> bytes:
    if (request.content_length or 0) > PACKED_LIMIT:
        raise BatchTooLarge(limit=PACKED_LIMIT)
    # A sender that does not say how long its body is is read up to the limit and no further.
    packed = request.stream.read(PACKED_LIMIT + 1)
    if len(packed) > PACKED_LIMIT:
        raise BatchTooLarge(limit=PACKED_LIMIT)
    return packed


def unpack(packed: bytes, encoding: str, *, limit: int = UNPACKED_LIMIT) -> bytes:
    """Return the body, which never grows beyond `limit` while it is unpacked.

    Raises `BatchTooLarge`, `BodyDamaged` for what is no whole gzip stream, `EncodingUnknown`.
    """
    if encoding in ("", "identity"):
        return packed
    if encoding != "gzip":
        raise EncodingUnknown
    unpacked = bytearray()
    rest = packed
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            while rest and not stream.eof:
                unpacked += stream.decompress(rest, _STEP)
                if len(unpacked) > limit:
                    raise BatchTooLarge(limit=limit)
                rest = stream.unconsumed_tail
            if not stream.eof:
                raise BodyDamaged
            rest = stream.unused_data
    except zlib.error:
        raise BodyDamaged from None
    return bytes(unpacked)
