"""Logs: one JSON object a line on standard error, from our code and from libraries alike.

What belongs to the request (request_id, kind, tenant, person, route) is bound by `kernel/web.py`
and added to every line; values from forms, facts and figures are never logged.
"""

import logging
import logging.config
import sys
from typing import Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
# Local variables hold what people typed and machines sent.
_WITHOUT_LOCALS: Final = ExceptionDictTransformer(show_locals=False)
# Libraries that tell each connection or job at INFO.
_QUIET: Final = ("alembic", "procrastinate", "psycopg.pool", "werkzeug")


def set_up_logs(level: str = "INFO") -> None:
    """Send everything from `level` on to standard error as JSON; calling it again changes level."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(_WITHOUT_LOCALS),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
