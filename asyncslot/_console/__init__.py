"""
``python -m asyncslot``: a console with a live Qt application, and programs with ``await`` at their top level.

options             the command line
error_display       showing an exception without the frames of this package
program             loading and running a program as Python itself does
single_application  the application that the console makes, and what a program gets that makes one itself
terminal            reading lines: history, completion, Ctrl-C
ps                  the table of tasks
execution           running the code of one input, and interrupting it
prompt              the thread that reads and compiles
launch              what the command line asks for, from the beginning to the exit code
"""
