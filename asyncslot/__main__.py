"""``python -m asyncslot``: see `asyncslot._console`."""

from __future__ import annotations

from asyncslot._console.launch import main

if __name__ == "__main__":
    main()
