"""
What the task inspector is made of, from the tasks to the window.

naming      what objects of the program are called
state       what a task does at this moment
task_row    what is known of one task, while it runs and when it has ended
loop_watch  the tasks of a loop, its slow callbacks and nested Qt loops, while it is watched
cell_text   times, places and names where there is little room
row_model   a table of objects, sorted and filtered by itself
task_model  the table of tasks
delay_model the table of what kept the loop waiting
details     what is said of one task on demand
frame_clock frames that were missed
pace        how often something may be refreshed
source_line opening a source file at a line
row_view    the view of a table, and actions in its menu
task_pane   the pane of tasks
delay_pane  the pane of delays
widget      the panes together, refreshed while they are visible
window      the inspector in a window of its own
shortcut     opening it by keys in any program
"""
