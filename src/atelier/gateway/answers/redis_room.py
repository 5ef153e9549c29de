"""What one tenant's answers may take in Redis: the script that keeps one, and makes room for it by the oldest."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

ENTRY_BYTES = 1_000
"""What an answer counts beside its bytes: names, and its line in the list."""

MOST_DROPPED = 1_000
"""So many make room for one at most: the server does nothing else meanwhile."""

# KEYS: the place, and the tenant's list of what it has. ARGV: the claim that may hold the place (or empty), the value,
# its milliseconds, the tenant's bytes, what stays of an answer that has no room (its letter, or empty: nothing), what
# an answer counts beside its bytes, how many may be dropped.
#
# A line of the list is "<from> <to> <until> <place>", where the tenant's bytes are counted on and on: what all take is
# the last line's `to` less the first one's `from`. Sent whole each time: by its hash a script that the server does not
# know yet would take a large answer there twice.
_KEEP = """
local place, list = KEYS[1], KEYS[2]
local claim, value, milliseconds, most, letter = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
if claim ~= '' then
  -- A claim that was lost with its server's memory may still become an answer, but not one that another took over.
  local held = redis.call('GET', place)
  if held and held ~= claim then return 0 end
end
if claim == '' and redis.call('EXISTS', place) == 1 then return 1 end  -- an equal request was quicker
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function read(line)
  local from, to, till, name = string.match(line, '^(%d+) (%d+) (%d+) (.+)$')
  return tonumber(from), tonumber(to), tonumber(till), name
end
local last = redis.call('LINDEX', list, -1)
local from = 0
if last then local _, to = read(last); from = to end
local to = from + #value + tonumber(ARGV[6])
local fits = to - from <= most
local dropped = 0
while fits do
  local line = redis.call('LINDEX', list, 0)
  if not line then break end
  local first, _, till, name = read(line)
  if till > now and to - first <= most then break end
  if dropped == tonumber(ARGV[7]) then fits = to - first <= most break end
  redis.call('LPOP', list)
  dropped = dropped + 1
  if till > now then
    if letter == '' then
      redis.call('UNLINK', name)
    else
      local kind = redis.call('GETRANGE', name, 0, 0)
      if kind ~= '' and kind ~= string.sub(claim, 1, 1) then
        redis.call('SET', name, letter .. redis.call('GETRANGE', name, 1, 32), 'KEEPTTL')
      end
    end
  end
end
if fits then
  redis.call('SET', place, value, 'PX', milliseconds)
  redis.call('RPUSH', list, string.format('%.0f %.0f %.0f %s', from, to, now + milliseconds, place))
  redis.call('PEXPIRE', list, milliseconds)
elseif letter ~= '' then
  redis.call('SET', place, letter .. string.sub(value, 2, 33), 'PX', milliseconds)
end
return fits and 1 or 0
"""


def keep(
    redis: Redis,
    place: str,
    room: str,
    value: bytes,
    *,
    milliseconds: int,
    most_bytes: int,
    claim: bytes = b"",
    trace: bytes = b"",
) -> Awaitable[object]:
    """Puts `value` at `place`, unless another than `claim` holds that.

    room: the list of what the tenant keeps; beyond `most_bytes` the oldest go. trace: the letter that stays of an
    answer without room, before the 32 bytes of its fingerprint; none: nothing stays.
    """
    given = (claim, value, milliseconds, most_bytes, trace, ENTRY_BYTES, MOST_DROPPED)
    return redis.eval(_KEEP, 2, place, room, *given)
