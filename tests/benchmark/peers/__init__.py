"""Programs that are measured beside each other: each in a process, and a Python, of its own.

A player (see :mod:`tests.benchmark.players`) starts one and asks it, a line of JSON for each
question; it answers with a line of JSON. So the rounds of ours and of the others take turns, and
both are confined to the same cores.
"""
