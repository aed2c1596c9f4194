"""
What is known of a task.

asyncio_private  the private names of asyncio, all in one place
cancellation     why a task was cancelled
description      what logs say about a task
owner            the QObject to whose life a task is bound
registry         the tasks that run, with a record of each
"""
