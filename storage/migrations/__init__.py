"""The revisions of the schema, oldest first.

They stand here too, so that opening an up-to-date database needs no Alembic (a test keeps this list and the files
the same).
"""

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
HEAD = REVISIONS[-1]
