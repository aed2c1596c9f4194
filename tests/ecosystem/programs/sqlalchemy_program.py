"""SQLAlchemy's asyncio: mapped objects in sessions side by side, a stream, a roll-back, a cancellation."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import ForeignKey, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from telling import cancel, raised, tell

# How many queries sleep in the server now.
SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "sqlalchemy_author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "sqlalchemy_book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    author: Mapped[Author] = relationship(back_populates="books")


async def write(sessions, number):
    async with sessions() as session, session.begin():
        session.add(Author(name=f"author {number}", books=[Book(title=f"book {n}") for n in range(number)]))


async def read(sessions):
    async with sessions() as session:
        authors = await session.scalars(select(Author).options(selectinload(Author.books)))
        return sum(len(author.books) for author in authors)


async def stream(sessions):
    async with sessions() as session:
        return sum([1 async for _ in await session.stream_scalars(select(Book))])


async def roll_back(sessions):
    refused = await raised(IntegrityError, write(sessions, 1))
    async with sessions() as session:
        return [refused, await session.scalar(select(func.count()).select_from(Author))]


async def lazy_load(sessions):
    """Run a function that knows of no coroutines: each of its waits is one of the session's."""
    async with sessions() as session:
        author = await session.scalar(select(Author).where(Author.name == "author 3"))
        return await session.run_sync(lambda _: sorted(book.title for book in author.books))


async def give_up(engine):
    async with engine.connect() as connection:
        task = asyncio.ensure_future(connection.execute(text("SELECT pg_sleep(600)")))
        async with engine.connect() as other:
            while not await other.scalar(text(SLEEPERS)):
                await other.rollback()  # What a transaction sees of the activity does not change.
        cancelled = await cancel(task)
    async with engine.connect() as connection:
        return [cancelled, await connection.scalar(text("SELECT 7"))]


async def main(url):
    engine = create_async_engine(url, pool_size=3, max_overflow=0)
    sessions = async_sessionmaker(engine, class_=AsyncSession)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await asyncio.gather(*(write(sessions, number) for number in range(10)))
        found = {
            "books": await read(sessions),
            "streamed": await stream(sessions),
            "rolled back": await roll_back(sessions),
            "loaded": await lazy_load(sessions),
            "given up": await give_up(engine),
        }
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
        return found
    finally:
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(tell(main(*sys.argv[1:])))
