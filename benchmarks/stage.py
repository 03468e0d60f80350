"""A migrated database on the embedded server, for one benchmark; dropped at its end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import migrate


@contextmanager
def stage() -> Iterator[Urls]:
    """Yield the addresses of an empty, migrated database. Durable: fsync is on, as in live use."""
    with (
        tempfile.TemporaryDirectory(prefix="gongyun-bench-") as folder,
        EmbeddedServer(Path(folder)) as server,
    ):
        urls = server.urls()
        migrate(urls.admin)
        yield urls
