"""Alembic's entry: inside the connection that `Store.open` hands over, or, from the command line
(`alembic -x url=sqlite+aiosqlite:///var/xiaoge.db …`), on an engine of its own."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage import tables


def run(connection: Connection) -> None:
    # Batch mode: SQLite alters most things only by copying the table.
    context.configure(connection=connection, target_metadata=tables.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_on_own_engine() -> None:
    url = context.get_x_argument(as_dictionary=True)["url"]
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_on_own_engine())
