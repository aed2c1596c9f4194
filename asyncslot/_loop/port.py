"""
A completion port that Qt can watch: how Qt learns that the port has a packet.

On Windows the system puts a packet into asyncio's completion port for each operation that has ended. Qt cannot
watch a port. So, while the guest waits, a thread waits for a packet, keeps it, and makes a socket readable. The
guest then handles the packets itself, on its own thread, by asyncio's own code. This module knows nothing of Qt or of
the loop.

What was tried and does not work
- Polling the port while the thread waits: the thread may just have taken a packet. asyncio would find the port empty,
  and free memory that it believes the system has done with. So there are turns: see `WatchedPort`.
- Posting the packet back to the port: it comes behind all those that have come meanwhile. Of two operations, the later
  one was then often reported first (115 of 150 reads of two pipes that are written in turn).
- Letting Qt watch the port's handle: it is signalled while the port has packets, but no documentation promises it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any, Optional

from asyncslot._loop.watcher_thread import start_or_pause

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WatchedPort"]

# The one byte that is sent for each report.
_REPORT = b"r"

# What the thread is told. _END_LATER: there is a packet that says so in the port, too, which it has to take out.
_WATCH, _END, _END_LATER = range(3)


class WatchedPort:
    """
    A proactor's completion port, and a thread that waits for it while the guest rests.

    ::

        state     thread                        is_guests_turn()  watch()    unwatch()
        ENDED     there is none                 True              WATCHING   no effect
        WATCHING  waits for a packet            False             no effect  ENDED
        REPORTED  waits until it may watch      True              WATCHING   ENDED

    A packet, or an error, makes WATCHING end in REPORTED. The guest polls only when it is its turn: at other times, the
    thread may just have taken a packet.

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
        # Each thread has a queue of its own.
        self._commands: queue.SimpleQueue[int] = queue.SimpleQueue()
        # What the system has told the thread instead of a packet. The guest's next poll raises it.
        self._error: Optional[OSError] = None
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
        # What the thread has taken, the guest has not handled yet.
        if self._packets.taken or self._error is not None:
            self._report()
            return
        if self._thread is None and not self._start_thread():
            return
        self._turn.release()
        self._commands.put(_WATCH)

    def _start_thread(self) -> bool:
        self._commands = queue.SimpleQueue()
        self._thread = start_or_pause(self._run, self._commands, name="asyncslot-port-watcher")
        if self._thread is None:
            self._report()
        return self._thread is not None

    def unwatch(self) -> None:
        """End the thread. It is the guest's turn then."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._turn.locked():
            self._commands.put(_END)
        else:
            # It may be just about to report.
            self._commands.put(_END_LATER)
            self._packets.post_end()
        thread.join()
        # It has ended without a report if it was watching.
        self._turn.acquire(blocking=False)

    def select(self, timeout: Optional[float] = None) -> Any:
        """Let the proactor handle all packets, which completes its futures; remove the report."""
        # Usually there is none: the guest polls several times between two reports.
        if self._read != self._sent:
            # The thread sends a report after it was counted. Then it is read at the next poll.
            with contextlib.suppress(BlockingIOError):
                self._read += len(self._report_reader.recv(4096))
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._proactor.select(timeout)

    def close(self) -> None:
        """End the thread and close the sockets. The proactor is closed by the loop."""
        self.unwatch()
        # It refers to the loop, which is then freed at once.
        self._packets.release(self._proactor)
        self._proactor = None
        self._report_reader.close()
        self._report_writer.close()

    def _run(self, commands: queue.SimpleQueue[int]) -> None:
        command = commands.get()
        while command == _WATCH:
            if not self._take():
                return
            # From here on it is the guest's turn. It was not, so this never blocks.
            self._turn.acquire()
            self._report()
            command = commands.get()
        # The packet that says so is still in the port, perhaps behind others.
        while command == _END_LATER and self._take():
            pass

    def _take(self) -> bool:
        """Wait for a packet. Return False if it was that of `unwatch`."""
        try:
            return bool(self._packets.wait())
        except OSError as exc:
            self._error = exc
            return True

    def _report(self) -> None:
        self._sent += 1
        # Not by suppress(): this thread makes as few objects as it can. The garbage collector runs where objects are
        # made, and may destroy the program's QObjects there.
        try:
            self._report_writer.send(_REPORT)
        except BlockingIOError:
            # The socket is full of reports that nobody has read: one is enough.
            self._sent -= 1
