"""Pictures of a machine with its jobs: in the terminal and in files.

`scene` says what is to be seen, free of how: nodes in equal states are one picture. `terminal` draws a scene as
text, `picture` lays it out and `file` draws that with matplotlib, which only `file` needs.
"""
