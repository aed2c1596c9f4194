"""
How Qt carries asyncio, in parts that do not derive from each other. `asyncslot.loop` puts them together.

slicer          the hot path: ready queue, batch, timers, slices (pure: neither Qt nor asyncio)
handles         what call_soon and call_at return
waker           the Qt objects that call the guest
selector        selectors that Qt can watch
unix            the platform's stock loop: what differs between platforms
blocking_calls  run_until_complete and run_forever on the stack
quit            what happens when the application or the thread quits
interrupts      Ctrl-C and SIGTERM
first_step      how a task's body runs up to its first suspension at once
debug_run       debug mode: slow callbacks, without the time of nested Qt loops
this_thread     which loop this thread has
"""
