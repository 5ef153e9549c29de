"""/admin/keys: make API keys, list them without their secrets, change what they are for, revoke them."""

from __future__ import annotations

from pydantic import BaseModel

from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing, page_of
from atelier.state.keys import change_key, issue_key, list_keys, read_key, revoke_key
from atelier.state.queries import KeysQuery
from atelier.state.records import Key, KeyChange, NewKey


class KeyList(BaseModel):
    """next: what the next page is asked with as `after`; null for the last one."""

    keys: list[Key]
    next: str | None


SHOWN_ONCE = "Keep the key now: it is shown this once"
SHOWN_BEFORE = (
    "The key was shown in the first answer to this Idempotency-Key, and is not kept; if that was lost, revoke the key "
    "and make another with a new Idempotency-Key"
)


class NewKeyAnswer(Key):
    """key: the whole of it, shown this once: null in the answer to a repeat. note: what to do about that."""

    key: str | None
    note: str = SHOWN_ONCE


async def show_list(asked: Asked[KeysQuery, Nothing]) -> KeyList:
    query = asked.query
    async with asked.gateway.database.connect() as connection:
        rows = await list_keys(connection, query.tenant, after=query.after, limit=query.limit + 1)
    keys, following = page_of(rows, query, lambda key: key.id)
    return KeyList(keys=keys, next=following)


async def create(asked: Asked[Nothing, NewKey]) -> NewKeyAnswer:
    async with asked.gateway.database.begin() as connection:
        key = await issue_key(connection, asked.body, by=asked.by)
        return NewKeyAnswer(**dict(await read_key(connection, key)), key=key)


def without_key(made: NewKeyAnswer) -> NewKeyAnswer:
    """What a repeat gets: which key it was, and nothing that opens a door."""
    return made.model_copy(update={"key": None, "note": SHOWN_BEFORE})


async def change(asked: Asked[Nothing, KeyChange]) -> Key:
    async with asked.gateway.database.begin() as connection:
        return await change_key(connection, asked.name, asked.body, by=asked.by)


async def revoke(asked: Asked[Nothing, Nothing]) -> None:
    async with asked.gateway.database.begin() as connection:
        await revoke_key(connection, asked.name, by=asked.by)


ROUTES = (
    AdminRoute("GET", "/admin/keys", "API keys, without their secrets", show_list, KeysQuery, answer=KeyList),
    AdminRoute(
        "POST", "/admin/keys", "Make an API key, which is shown this once",
        create, body=NewKey, answer=NewKeyAnswer, status=201, again=without_key,
    ),
    AdminRoute(
        "PATCH", "/admin/keys/{key:path}", "Rename a key, change its services or its end",
        change, body=KeyChange, answer=Key,
    ),
    AdminRoute("DELETE", "/admin/keys/{key:path}", "Revoke a key: useless within seconds", revoke, status=204),
)  # fmt: skip
