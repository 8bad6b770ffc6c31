"""What is asked: from a jobspec's vertices to what one node, so many nodes and so many groups must give.

`request` is what a pool is asked; `resolve` says what its vertices mean on one machine; `builder` cuts the tree at
the node into a `demand`; `problem` holds the counts that are still to be chosen; `group_amounts` are amounts that no
node has; `arguments` refuses what no verb takes.
"""
