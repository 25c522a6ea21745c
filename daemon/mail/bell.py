"""A bell that one thread waits for and any other may ring."""

import select
import socket
import threading
from contextlib import suppress


class Bell:
    """Rung once or often, it is heard once; it can be waited for together with a connection, by its descriptor."""

    def __init__(self) -> None:
        """Nothing is opened before somebody listens."""
        self._pair: tuple[socket.socket, socket.socket] | None = None
        self._guard = threading.Lock()
        self._rung = False

    def listened(self) -> socket.socket:
        """Give the socket that can be read once the bell was rung."""
        with self._guard:
            if self._pair is None:
                self._pair = socket.socketpair()
                for end in self._pair:
                    end.setblocking(False)
                if self._rung:
                    self._pair[1].send(b"\0")
            return self._pair[0]

    def ring(self) -> None:
        """Ring it, from any thread."""
        with self._guard:
            self._rung = True
            if self._pair:
                with suppress(BlockingIOError):
                    self._pair[1].send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait for the bell; say whether it was rung."""
        return bool(select.select([self.listened()], [], [], seconds)[0])

    def quieten(self) -> None:
        """Be ready for the next ring."""
        with self._guard:
            self._rung = False
            if self._pair:
                with suppress(BlockingIOError):
                    self._pair[0].recv(65536)

    def close(self) -> None:
        """Give the sockets back; whoever listens again gets new ones."""
        with self._guard:
            pair, self._pair = self._pair, None
            for end in pair or ():
                end.close()
