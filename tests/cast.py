"""The cast of the tests: that of the demo, by its fixed ids."""

from portal.demo.cast import *  # noqa: F403
