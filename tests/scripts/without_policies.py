"""
Makes asyncio as it is on Python 3.16: without policies. Imported before anything of ours.

What is left of it are the three functions, which have no policy to ask.
"""

import asyncio
import sys
import threading
from asyncio import events

platform_events = sys.modules.get("asyncio.unix_events") or sys.modules["asyncio.windows_events"]
stock = (vars(platform_events).get("_DefaultEventLoopPolicy") or vars(platform_events)["DefaultEventLoopPolicy"])()
this_thread = threading.local()


def new_event_loop():
    return getattr(asyncio, "ProactorEventLoop", asyncio.SelectorEventLoop)()


def set_event_loop(loop):
    this_thread.loop = loop


def get_event_loop():
    loop = events._get_running_loop() or getattr(this_thread, "loop", None)
    if loop is None:
        raise RuntimeError("There is no current event loop")
    return loop


remaining = {"new_event_loop": new_event_loop, "set_event_loop": set_event_loop, "get_event_loop": get_event_loop}
if hasattr(events, "get_child_watcher"):  # Before Python 3.14 subprocesses need one.
    events.get_child_watcher = stock.get_child_watcher

for name, module in list(sys.modules.items()):
    if name.partition(".")[0] != "asyncio":
        continue
    vars(module).pop("__getattr__", None)  # It gives access to the policies on Python 3.14.
    for attribute in list(vars(module)):
        if attribute in remaining:
            setattr(module, attribute, remaining[attribute])
        elif "Policy" in attribute or attribute.endswith(("get_event_loop_policy", "set_event_loop_policy")):
            delattr(module, attribute)
