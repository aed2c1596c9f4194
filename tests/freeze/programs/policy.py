"""A program that has installed the policy, and imports nothing else of asyncslot."""

import asyncslot_policy

asyncslot_policy.install(application="core")

import unaware  # noqa: E402 - it imports asyncio.

if __name__ == "__main__":
    unaware.asyncio.run(unaware.main())
