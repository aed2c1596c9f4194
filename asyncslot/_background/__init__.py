"""
Work outside the loop's thread: in other threads, in other processes, in other Qt threads.

reporter    the worker's side: what the function is given to report by (pure: it knows neither Qt nor a loop)
relay       brings a worker's reports to the loop's thread, a few times a second
progress    the loop's side: what was reported, shown in widgets
ending      waiting for work that ends only when it listens
thread      a function in a thread of the loop's executor
process     a function in a process of the loop's pool
worker      what runs in such a process (pure)
qt_thread   a coroutine in the loop of another Qt thread
"""
