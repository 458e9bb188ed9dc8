"""Run Alembic from the program. Imported only when a database is new or old: the import alone takes a while."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without an ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def to_head(connection: Connection) -> None:
    """Bring the schema up to date inside the transaction of `connection`: all of it or nothing."""
    command.upgrade(config(connection), "head")
