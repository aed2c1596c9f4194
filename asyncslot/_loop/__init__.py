"""
The parts that let Qt carry asyncio. They do not derive from each other; `asyncslot.loop` puts them together.

slicer          the hot path: ready queue, batch, timers, slices (pure: it knows neither Qt nor asyncio)
handles         the handles that call_soon and call_at return
waker           the Qt objects that call the guest
selector        selectors that Qt can watch
port            a completion port, Windows' way to wait, that Qt can watch
watcher_thread  starting the thread that waits for a selector or a port
unix, windows   the platform's stock loop, and what differs between platforms
blocking_calls  run_until_complete and run_forever on the stack
quit            what happens when the application or the thread quits
interrupts      Ctrl-C and SIGTERM
first_step      how a task runs up to its first suspension at once
spawned         processes that run the program once more by mistake
timed_run       how long callbacks take, without the time of nested Qt loops
this_thread     which loop this thread has
"""
