"""Lexical guards: what two questions may not differ in, however near their embeddings are.

words     closed lists: units, languages, opposites …
features  what the guards compare, read from a text once
checks    the guards, in order; the first that objects names the verdict
"""
