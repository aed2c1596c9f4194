"""
The Qt binding: which one it is, and what this package needs of it. Other rooms import from here.

binding          which binding; importing its modules; its known faults
application      the application object
connection       a signal's connection to a function, with all arguments
event_loop       Qt's event loops on this thread
platform_plugin  the plugin by which Qt opens windows: whether it can be loaded
proven           on which systems the tests have run
qml              what QML's engine knows of a QObject; imported by itself
qobject          whether the C++ object of a QObject is still there
slot             signals, slots and properties: the names, what is declared, arguments and results
thread           threads that Qt started
thread_call      calling a function on another thread
identity_dict    values for objects of Qt, by identity
system_library   the system libraries that Qt needs, and the packages that have them
"""

import asyncslot._installation  # noqa: F401 - checks that no other distribution's files are mixed with ours.
from asyncslot._qt.application import (
    APPLICATIONS,
    QUIT_EVENT,
    is_quit_event,
    make_application,
    on_widget_thread,
    require_application,
)
from asyncslot._qt.binding import QtCore, binding_name, binding_version, import_qt, make_types, warn_about_fault
from asyncslot._qt.connection import Connection, check_signal
from asyncslot._qt.event_loop import (
    BETWEEN_PASSES,
    EXIT_TELLS_AT_ONCE,
    exec_application,
    exec_loop,
    loop_level,
    process_events,
    process_events_until,
)
from asyncslot._qt.identity_dict import IdentityDict
from asyncslot._qt.platform_plugin import check_platform_plugin
from asyncslot._qt.qobject import check_alive, connect_destroyed, is_alive, is_deleted_error
from asyncslot._qt.slot import (
    Property,
    Signal,
    count_receivers,
    declare_slot,
    disconnect_all,
    find_sender,
    fit_override,
    is_slot,
    make_target,
    own_arguments,
    virtual_result,
)
from asyncslot._qt.thread import hold_thread_state, is_python_thread
from asyncslot._qt.thread_call import call_on_thread

__all__ = [
    "APPLICATIONS",
    "BETWEEN_PASSES",
    "EXIT_TELLS_AT_ONCE",
    "QUIT_EVENT",
    "Connection",
    "IdentityDict",
    "Property",
    "QtCore",
    "Signal",
    "binding_name",
    "binding_version",
    "call_on_thread",
    "check_alive",
    "check_platform_plugin",
    "check_signal",
    "connect_destroyed",
    "count_receivers",
    "declare_slot",
    "disconnect_all",
    "exec_application",
    "exec_loop",
    "find_sender",
    "fit_override",
    "hold_thread_state",
    "import_qt",
    "is_alive",
    "is_deleted_error",
    "is_python_thread",
    "is_quit_event",
    "is_slot",
    "loop_level",
    "make_application",
    "make_target",
    "make_types",
    "on_widget_thread",
    "own_arguments",
    "process_events",
    "process_events_until",
    "require_application",
    "virtual_result",
    "warn_about_fault",
]
