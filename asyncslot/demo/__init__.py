"""A download window: asyncio does the network, Qt the window, on one thread. Run ``python -m asyncslot.demo``."""
