-- Every count of every limit, looked at and changed here alone: one run is one moment for all gateways.
--
-- ARGV: the prefix of all keys; how long a lease lasts (microseconds); the time (microseconds; empty: the server's own
-- clock); then operations, one after another, each a letter and its words:
--   T id guessed units cost n (kind key most size) x n    take a place in all n limits, or in none
--   L id guessed units cost n (kind key most size) x n    look: would it fit? nothing is taken
--   A at id n (kind key size amount) x n               correct what was taken `at`: add the amount
--                                                      (u, c: it may be negative), give the lease (l) or the request (r:
--                                                      here the amount is most) back
--   R n (key id) x n                                   renew leases
-- The answer has one reply for each operation; that of T and L is {1 if all fit, now, and for each limit: what is left,
-- microseconds until more is free, what was taken or -1 where it does not fit}.
--
-- guessed: the kinds (u, c, both, or none) whose amount only the work can tell: they get it, or the rest.
-- Kinds: r, requests in a sliding window: a list of [how many, oldest, ..., newest], each entry the time of one request;
-- where more than EXACT may be in it, "time:count" of those in one thousandth of the window, which leave it together with
-- the last of them. u and c, units and money in a calendar day or month: a number. l, leases: a sorted set by their ends.
local EXACT = 1000
local DAY = 86400

local prefix, lease, now = ARGV[1] .. ':limits:', tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- A key stays for at least so long. (Asking costs less than writing, which goes to the append-only file too.)
local function keep(key, milliseconds)
  if redis.call('PTTL', key) < milliseconds then redis.call('PEXPIRE', key, 2 * milliseconds) end
end

local function day_of_month(day)
  -- Days since 1970 to the day of the month, by eras of 400 years that begin in March.
  local floor = math.floor
  local shifted = day + 719468
  local of_era = shifted % 146097
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * of_year + 2) / 153)
  return of_year - floor((153 * month + 2) / 5) + 1
end

-- First second of the calendar day or month (UTC) that a time lies in, and of the next one.
local function period(at, size)
  local day = math.floor(at / 1000000 / DAY)
  if size == DAY then return day * DAY, (day + 1) * DAY end
  local first = day - day_of_month(day) + 1
  local after = first + 31
  return first * DAY, (after - day_of_month(after) + 1) * DAY
end

local function counter(key, at, size)
  local first, after = period(at, size)
  return string.format('%s:%.0f', key, first), after
end

local function entry(text)
  local at = tonumber(text)
  if at then return at, 1 end
  local last, count = string.match(text, '^(%d+):(%d+)$')
  return tonumber(last), tonumber(count)
end

-- How many requests are in the window, and the time of its oldest entry; those that have left it are forgotten.
local function in_window(key, size)
  local count = redis.call('LINDEX', key, 0)
  if not count then return 0 end
  count = tonumber(count)
  local oldest = redis.call('LINDEX', key, 1)
  local at, many
  if oldest then at, many = entry(oldest) end
  if not at or at >= now - size then return count, at end
  redis.call('LPOP', key)
  while at and at < now - size do
    redis.call('LPOP', key)
    count = count - many
    oldest = redis.call('LINDEX', key, 0)
    at = nil
    if oldest then at, many = entry(oldest) end
  end
  if not at then return 0 end
  redis.call('LPUSH', key, count)
  return count, at
end

local function add_to_window(key, size, most, count)
  if count == 0 then
    redis.call('DEL', key)
    redis.call('RPUSH', key, 1, now)
  else
    redis.call('LSET', key, 0, count + 1)
    local last, many
    local grain = size / EXACT
    if most > EXACT then last, many = entry(redis.call('LINDEX', key, -1)) end
    if last and math.floor(last / grain) == math.floor(now / grain) then
      redis.call('LSET', key, -1, string.format('%.0f:%d', now, many + 1))
    else
      redis.call('RPUSH', key, now)
    end
  end
  keep(key, size / 1000 + 1000)
end

-- A request that is refunded leaves the window: its own entry, or one of those that were counted together with it.
local function remove_from_window(key, size, most, at)
  local count = tonumber(redis.call('LINDEX', key, 0) or 0)
  local removed = redis.call('LREM', key, -1, string.format('%.0f', at)) == 1
  if not removed and most > EXACT then
    local grain = size / EXACT
    local entries = redis.call('LRANGE', key, 1, -1)
    for index = #entries, 1, -1 do
      local last, many = entry(entries[index])
      if math.floor(last / grain) == math.floor(at / grain) then
        if many > 1 then
          redis.call('LSET', key, index, string.format('%.0f:%d', last, many - 1))
        else
          redis.call('LREM', key, -1, entries[index])
        end
        removed = true
        break
      end
    end
  end
  if removed then redis.call('LSET', key, 0, count - 1) end
end

-- Whether an amount fits into what is left: one whose size nobody knows yet gets the rest of it.
local function fitting(amount, left, guessed)
  if amount <= 0 then return 0 end
  if amount <= left then return amount end
  if guessed and left > 0 then return left end
  return -1
end

local looking = {
  r = function(key, most, size)
    local count, oldest = in_window(key, size)
    return most - count, oldest and oldest + size - now or 0, count
  end,
  u = function(key, most, size)
    local name, after = counter(key, now, size)
    return most - tonumber(redis.call('GET', name) or 0), after * 1000000 - now
  end,
  l = function(key, most)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    return most - redis.call('ZCARD', key), 0
  end,
}
looking.c = looking.u

local function admit(place, taking)
  local id, guessed, n = ARGV[place + 1], ARGV[place + 2], tonumber(ARGV[place + 5])
  local asked = { r = 1, l = 1, u = tonumber(ARGV[place + 3]), c = tonumber(ARGV[place + 4]) }
  local reply, counts = { 1, now }, {}
  for i = 0, n - 1 do
    local at = place + 6 + i * 4
    local kind = ARGV[at]
    local left, resets, count = looking[kind](prefix .. ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
    local fits = fitting(asked[kind], left, string.find(guessed, kind, 1, true))
    if fits < 0 then reply[1] = 0 end
    counts[i] = count
    reply[3 + i * 3], reply[4 + i * 3], reply[5 + i * 3] = left, resets, fits
  end
  if taking and reply[1] == 1 then
    for i = 0, n - 1 do
      local at = place + 6 + i * 4
      local kind, key, size, took = ARGV[at], prefix .. ARGV[at + 1], tonumber(ARGV[at + 3]), reply[5 + i * 3]
      reply[3 + i * 3] = reply[3 + i * 3] - took
      if kind == 'r' then
        add_to_window(key, size, tonumber(ARGV[at + 2]), counts[i])
        if counts[i] == 0 then reply[4 + i * 3] = size end
      elseif kind == 'l' then
        redis.call('ZADD', key, now + lease, id)
        keep(key, lease / 1000)
      elseif took > 0 then
        local name, after = counter(key, now, size)
        -- A day longer than it counts: what is settled after its end must not begin it anew.
        if redis.call('INCRBY', name, took) == took then
          redis.call('PEXPIRE', name, (after + DAY) * 1000 - math.floor(now / 1000))
        end
      end
    end
  end
  return reply, place + 6 + n * 4
end

local function adjust(place)
  local at, id, n = tonumber(ARGV[place + 1]), ARGV[place + 2], tonumber(ARGV[place + 3])
  for i = place + 4, place + n * 4, 4 do
    local kind, key, size, amount = ARGV[i], prefix .. ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    if kind == 'r' then
      remove_from_window(key, size, amount, at)
    elseif kind == 'l' then
      redis.call('ZREM', key, id)
    else
      local name = counter(key, at, size)
      if redis.call('EXISTS', name) == 1 then redis.call('INCRBY', name, amount) end
    end
  end
  return place + 4 + n * 4
end

local function renew(place)
  local n = tonumber(ARGV[place + 1])
  for i = place + 2, place + n * 2, 2 do
    -- Also one that has run out while Redis was away: its request is still running. Too many count, never too few.
    redis.call('ZADD', prefix .. ARGV[i], now + lease, ARGV[i + 1])
    keep(prefix .. ARGV[i], lease / 1000)
  end
  return place + 2 + n * 2
end

local replies, place = {}, 4
while place <= #ARGV do
  local operation, reply = ARGV[place], 0
  if operation == 'T' or operation == 'L' then
    reply, place = admit(place, operation == 'T')
  elseif operation == 'A' then
    place = adjust(place)
  else
    place = renew(place)
  end
  replies[#replies + 1] = reply
end
return replies
