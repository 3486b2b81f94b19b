"""Cypher statements, one a file. Read them through `sapwood.graph.queries`."""
