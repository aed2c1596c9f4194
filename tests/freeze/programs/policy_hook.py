"""A runtime hook, for PyInstaller's --runtime-hook: the frozen program heeds ASYNCSLOT_POLICY."""

import os

import asyncslot_policy

asyncslot_policy.install(os.environ.get("ASYNCSLOT_POLICY", "off"))
