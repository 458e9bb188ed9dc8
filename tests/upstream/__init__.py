"""A platform above, small enough to read: what an implementer has to build, and what the tests of the sync talk to.

Page: docs/upstream-api.md. By hand: `python -m tests.upstream --port 8080 --secret …`.
signature.py checks who asks, store.py keeps what arrived, server.py speaks HTTP, faults.py goes wrong on demand.
"""
