"""Hostile input for everything that reads: what is documented may be raised, and nothing else happens.

Nothing is imported here, as atheris has to see every module of ours when it is first imported.
"""
