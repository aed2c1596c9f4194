"""
What a call of a slot does.

wrapper         makes a function with the parameters that Qt's binding counts
call            from the call to the running task
call_queue      calls that wait for their turn: ``when_busy``, ``limit``, ``group``
failure         whether and how a slot's failure is reported
start           starting a task in this thread's loop
records         what is known of running tasks: ``tasks()``, ``sender()``
task_handle     what a slot with ``result=`` returns; imported by itself, when it is used
task_scope      all tasks of one owner
runner          ``asyncslot.run``
window_closing  AsyncClose: a coroutine as a window's closeEvent
quit_watch      whether windows are closed because the application quits
"""
