"""
asyncslot measured against the stdlib's loop and other ways to run asyncio in Qt.

``python -m benchmarks --help``, from the root of the repository, says what there is.
"""
