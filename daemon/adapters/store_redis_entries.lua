-- Cached answers, shared by the fleet.
--
-- KEYS[1] is the prefix "helix:{c}:" that every key here begins with, so all are in one Cluster slot.
-- ARGV: the command, the caller's time in Unix seconds, then the command's own arguments.
--
--   entry:<id>  hash: the fields of a CacheEntry; ends by itself when the entry expires
--   keys        hash: the entry's key -> id
--   traces      hash: id -> "<bytes> <key>": what must be undone once entry:<id> has ended by itself
--   ids         sorted set: id -> id
--   expiry      sorted set: id -> when it expires
--   worth       sorted set: id -> see entry_worth.py
--   bytes       of all answers
--   last_id
--
-- An id is written with 16 digits, so that members of equal score stand in the order of their making.

local prefix, now = KEYS[1], ARGV[2]
local keys, traces, bytes = prefix .. "keys", prefix .. "traces", prefix .. "bytes"
local ids, expiry, worth = prefix .. "ids", prefix .. "expiry", prefix .. "worth"
local commands = {}

local function entry_key(id)
  return prefix .. "entry:" .. id
end

local function next_id()
  local last_id = prefix .. "last_id"
  if redis.call("EXISTS", last_id) == 0 then
    -- After a flush ids go on from the clock: an index must not take a new entry for an old one.
    redis.call("SET", last_id, string.format("%.0f", tonumber(now) * 1000))
  end
  return string.format("%016.0f", redis.call("INCR", last_id))
end

local function remove(id)
  local size, key = redis.call("HGET", traces, id):match("^(%d+) (.*)$")
  redis.call("DECRBY", bytes, size)
  redis.call("HDEL", keys, key)
  redis.call("HDEL", traces, id)
  redis.call("UNLINK", entry_key(id))
  for _, set in ipairs({ ids, expiry, worth }) do
    redis.call("ZREM", set, id)
  end
end

function commands.put(key, expires_at, ttl_ms, value, size, ...)
  local old = redis.call("HGET", keys, key)
  if old then
    remove(old)
  end
  local id = next_id()
  redis.call("HSET", entry_key(id), ...)
  redis.call("PEXPIRE", entry_key(id), ttl_ms)
  redis.call("HSET", keys, key, id)
  redis.call("HSET", traces, id, size .. " " .. key)
  redis.call("ZADD", ids, id, id)
  redis.call("ZADD", expiry, expires_at, id)
  redis.call("ZADD", worth, value, id)
  redis.call("INCRBY", bytes, size)
  return id
end

-- Returns the id and the hash's fields and values in turn; nil when there is none.
function commands.get(key)
  local id = redis.call("HGET", keys, key)
  if not id then
    return nil
  end
  return { id, redis.call("HGETALL", entry_key(id)) }
end

function commands.get_by_ids(...)
  local found = {}
  for i, id in ipairs({ ... }) do
    found[i] = { id, redis.call("HGETALL", entry_key(id)) }
  end
  return found
end

-- Give an entry other texts, where it is still that of `key`.
function commands.replace_texts(id, key, ...)
  if redis.call("HGET", keys, key) == id and redis.call("EXISTS", entry_key(id)) == 1 then
    redis.call("HSET", entry_key(id), ...)
  end
end

-- The next ids after one, with what an index needs of each (nothing where there is no vector).
function commands.vectors_after(id, limit)
  local page = redis.call("ZRANGEBYSCORE", ids, "(" .. id, "+inf", "LIMIT", 0, limit)
  for i, next in ipairs(page) do
    page[i] = { next, redis.call("HMGET", entry_key(next), "partition", "vector", "expires_at") }
  end
  return page
end

function commands.ids_after(id, limit)
  return redis.call("ZRANGEBYSCORE", ids, "(" .. id, "+inf", "LIMIT", 0, limit)
end

local function log2(number)
  return math.log(number) / math.log(2)
end

-- The worth of `id` with `hits` more uses; the twin of entry_worth.py's worth_after_hits.
local function touch(id, hits, halved_every_s)
  local before, cost = redis.call("ZSCORE", worth, id), redis.call("HGET", entry_key(id), "cost_nanos")
  if before and cost then
    before = tonumber(before)
    local added = log2(hits * math.max(tonumber(cost), 1)) + now / halved_every_s
    local after = math.max(before, added) + log2(1 + 2 ^ -math.abs(before - added))
    redis.call("ZADD", worth, "XX", string.format("%.17g", after), id)
  end
end

-- id, hits, id, hits ...
function commands.touch(halved_every_s, ...)
  local counted = { ... }
  for i = 1, #counted, 2 do
    touch(counted[i], tonumber(counted[i + 1]), tonumber(halved_every_s))
  end
end

-- Whether an entry is all that is wanted.
local function matches(id, wanted)
  local has = redis.call("HMGET", entry_key(id), "scope", "namespace", "model", "user", "tags", "created_at")
  return (not wanted.id or tonumber(id) == tonumber(wanted.id))
    and (not wanted.scope or wanted.scope == (has[1] or ""))
    and (not wanted.namespace or wanted.namespace == (has[2] or ""))
    and (not wanted.model or wanted.model == (has[3] or ""))
    and (not wanted.user or wanted.user == (has[4] or ""))
    and (not wanted.tag or ("," .. (has[5] or "") .. ","):find("," .. wanted.tag .. ",", 1, true))
    and (not wanted.made_before or tonumber(has[6] or 0) < tonumber(wanted.made_before))
end

-- Look at the next entries after an id and remove those that are all that is wanted: name, value, name, value ...
-- Returns the last id looked at, nil at the end, and how many live ones went.
function commands.clear(after, limit, ...)
  local wanted, removed, parts = {}, 0, { ... }
  for i = 1, #parts, 2 do
    wanted[parts[i]] = parts[i + 1]
  end
  local page = commands.ids_after(after, limit)
  for _, id in ipairs(page) do
    if matches(id, wanted) then
      if tonumber(redis.call("ZSCORE", expiry, id)) > tonumber(now) then
        removed = removed + 1
      end
      remove(id)
    end
  end
  return { page[#page] or false, removed }
end

-- The next ids to go: expired ones, then the least worth while there are too many.
function commands.evict(max_entries, limit)
  local gone = redis.call("ZRANGEBYSCORE", expiry, "-inf", now, "LIMIT", 0, limit)
  if #gone == 0 then
    local over = math.min(redis.call("ZCARD", ids) - tonumber(max_entries), tonumber(limit))
    gone = over > 0 and redis.call("ZRANGE", worth, 0, over - 1) or {}
  end
  for _, id in ipairs(gone) do
    remove(id)
  end
  return gone
end

function commands.stats()
  return { redis.call("ZCOUNT", expiry, "(" .. now, "+inf"), tonumber(redis.call("GET", bytes) or 0) }
end

return commands[ARGV[1]](unpack(ARGV, 3))
