"""A few PostgreSQL connections for many threads, which outlive a restart of the server."""

import contextlib
import queue
import time

import psycopg
from psycopg.rows import dict_row

SIZE = 8  # connections, and so statements at a time
WAIT = 5  # seconds a request waits for one of them
TRUSTED = 1  # seconds for which an idle connection is taken to be alive


class Pool:
    """Hands out connections. One that was idle for a while is tried first, so that a request does not fail for a
    server that was restarted meanwhile."""

    def __init__(self, url):
        self.url = url
        self.slots = queue.LifoQueue()
        for _ in range(SIZE):
            self.slots.put((None, 0.0))

    @contextlib.contextmanager
    def connection(self):
        """A connection with a transaction that is committed at the end. Raises psycopg.OperationalError or queue.Empty
        when there is none to be had."""
        connection, used = self.slots.get(timeout=WAIT)
        try:
            connection = self._alive(connection, used)
            with connection.transaction():
                yield connection
        except psycopg.OperationalError:
            if connection is not None:
                connection.close()
            raise
        finally:
            self.slots.put((None if connection is None or connection.closed else connection, time.monotonic()))

    def _alive(self, connection, used):
        if connection is not None and not connection.closed:
            if time.monotonic() - used < TRUSTED:
                return connection
            try:
                connection.execute("select 1")
                return connection
            except psycopg.OperationalError:
                connection.close()
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row, connect_timeout=3)

    def rows(self, statement, *values):
        """The rows of a statement that only reads; asked a second time when the connection was lost on the way."""
        for attempt in (1, 2):
            try:
                with self.connection() as connection:
                    return connection.execute(statement, values).fetchall()
            except psycopg.OperationalError:
                if attempt == 2:
                    raise

    def row(self, statement, *values):
        """The first row, or None."""
        rows = self.rows(statement, *values)
        return rows[0] if rows else None

    def write(self, statement, *values):
        """Runs a statement once; its first row (from `returning`), or None."""
        with self.connection() as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchone() if cursor.description else None
