"""
A completion port that Qt can watch: how Qt learns that the port has a packet.

On Windows the system puts a packet into asyncio's completion port for each operation that has ended. Qt cannot
watch a port. So, while the guest waits, a thread waits for a packet, posts it back, and makes a socket
readable. The guest then takes the packets itself, on its own thread, by asyncio's own code. This module knows nothing
of Qt or of the loop.

What was tried and does not work
- Polling the port while the thread waits: the thread may hold a packet just then. asyncio would find the port empty,
  and free memory that it believes the system has done with. So there are turns: see `WatchedPort`.
- Letting Qt watch the port's handle: it is signalled while the port has packets, but no documentation promises it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WatchedPort"]

# The one byte that is sent for each report.
_REPORT = b"r"


class WatchedPort:
    """
    A proactor's completion port, and a thread that waits for it while the guest rests.

    ::

        state     thread                        is_guests_turn()  watch()    unwatch()
        ENDED     there is none                 True              WATCHING   no effect
        WATCHING  waits for a packet            False             no effect  ENDED
        REPORTED  waits until it may watch      True              WATCHING   ENDED

    A packet makes WATCHING end in REPORTED. The guest polls only when it is its turn: at other times, the thread may
    hold a packet. A packet that the thread posts back comes behind those that have come meanwhile. This does no harm:
    asyncio does not depend on which of two operations is reported first.

    All methods must be called on the guest's thread.

    Args:
        proactor: An ``asyncio.IocpProactor``.
        packets: The packets in its port: a `PortPackets`.
    """

    def __init__(self, proactor: Any, packets: Any) -> None:
        self._proactor = proactor
        self._packets = packets
        # Started by the first `watch`: a loop that never waits needs no thread.
        self._thread: Optional[threading.Thread] = None
        # What the thread is told: True to watch, False to end. Each thread has a queue of its own.
        self._commands: queue.SimpleQueue[bool] = queue.SimpleQueue()
        # Locked when it is the guest's turn. It is a flag, and nobody waits for it: asking a lock
        # is a call without a Python frame, once per iteration.
        self._turn = threading.Lock()
        self._turn.acquire()
        self.is_guests_turn: Callable[[], bool] = self._turn.locked
        # How many reports the thread has sent, and how many bytes the guest has read.
        self._sent = 0
        self._read = 0
        self._report_reader, self._report_writer = socket.socketpair()
        self._report_reader.setblocking(False)
        self._report_writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor of a socket that is readable when the port may have a packet."""
        return self._report_reader.fileno()

    def watch(self) -> None:
        """Let the thread wait for a packet; a no-op if it does so already."""
        if not self._turn.locked():
            return
        if self._thread is None:
            self._commands = queue.SimpleQueue()
            # A daemon, so that a loop that nobody closes does not keep the interpreter from ending.
            thread = threading.Thread(
                target=self._run, args=(self._commands,), name="asyncslot-port-watcher", daemon=True
            )
            thread.start()
            self._thread = thread
        self._turn.release()
        self._commands.put(True)

    def unwatch(self) -> None:
        """End the thread. It is the guest's turn then."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._commands.put(False)
        # The thread takes it even if it has just reported: it ends with this packet, and with no other.
        self._packets.post_end()
        thread.join()
        # It has ended without a report if it was watching.
        self._turn.acquire(blocking=False)

    def select(self, timeout: Optional[float] = None) -> Any:
        """Let the proactor take all packets, which completes its futures; remove the report."""
        # Usually there is none: the guest polls several times between two reports.
        if self._read != self._sent:
            # The thread sends a report after it was counted. Then it is read at the next poll.
            with contextlib.suppress(BlockingIOError):
                self._read += len(self._report_reader.recv(4096))
        return self._proactor.select(timeout)

    def close(self) -> None:
        """End the thread and close the sockets. The proactor is closed by the loop."""
        self.unwatch()
        # It refers to the loop, which is then freed at once.
        self._proactor = None
        self._report_reader.close()
        self._report_writer.close()

    def _run(self, commands: queue.SimpleQueue[bool]) -> None:
        while commands.get():
            if not self._packets.wait():
                return
            self._report()
        # Told to end while it did not watch: the packet that says so is still in the port, perhaps behind others.
        while self._packets.wait():
            pass

    def _report(self) -> None:
        self._sent += 1
        # From here on it is the guest's turn. It was not, so this never blocks.
        self._turn.acquire()
        # The socket is full of reports that nobody has read: one is enough.
        with contextlib.suppress(BlockingIOError):
            self._report_writer.send(_REPORT)
