"""Live data for a program that polls today. See ``live`` and ``Client``."""

from .client import Client, Feed, live
from .feed import Options, Status
from .state import Rows

__all__ = ["Client", "Feed", "Options", "Rows", "Status", "live"]
