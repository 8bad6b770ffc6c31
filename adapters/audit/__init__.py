"""Judging any allocator by its answers, and what a test suite of one needs.

- `strategies`: small lopsided machines, states and requests, drawn by hypothesis (the extra `audit`).
- `brute`: the best placement, found by trying all.
"""
