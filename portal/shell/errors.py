"""What the shell refuses."""

from flask_babel import lazy_gettext as _l

from kernel.errors import Forbidden


class NotYourOperation(Forbidden):
    """Somebody else of the company started the action."""

    code = "shell.not_your_operation"
    sentence = _l("Only who started this action can call it off.")
