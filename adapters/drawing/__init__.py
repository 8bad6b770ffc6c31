"""Pictures of a machine with its jobs: in the terminal and in files.

`scene` says what is to be seen, free of how; `states` finds the nodes in equal states, which are one picture, and
`node_state` says what each is. `terminal` draws a scene as text, `picture` lays it out, and `file` with `cells` draws
that with matplotlib, which nothing else needs.
"""
