-- Budget counters, atomic across the fleet.
--
-- KEYS[1] is the prefix "helix:{b}:" that every key here begins with, so all are in one Cluster slot.
-- ARGV: the command, the caller's time in Unix seconds, then the command's own arguments.
--
--   counter:<name>   hash: settled, reserved, aside (whole nano-dollars), born; aside is what of reserved "node:…" leases hold
--   lease:<lease>    hash: counter name -> "<born>:<amount>"
--   leases           sorted set: lease -> when it ends
--   settled:<lease>  a mark for a while, so that a second settlement does nothing
--   births           a number for each counter ever made
--
-- Amounts are below 2^53, so Lua compares them exactly; they are added by HINCRBY, as integers.

local prefix, now = KEYS[1], ARGV[2]
local leases = prefix .. "leases"
local commands = {}

-- A crashed fleet leaves many leases at once; the next call ends the rest.
local LEASES_PER_SWEEP = 1000

local function counter_key(name)
  return prefix .. "counter:" .. name
end

local function change_reserved(lease, key, amount)
  redis.call("HINCRBY", key, "reserved", amount)
  if lease:sub(1, 5) == "node:" then
    redis.call("HINCRBY", key, "aside", amount)
  end
end

local function hold(lease, name, amount)
  change_reserved(lease, counter_key(name), amount)
  local born = redis.call("HGET", counter_key(name), "born")
  redis.call("HSET", prefix .. "lease:" .. lease, name, born .. ":" .. amount)
end

local function end_lease(lease)
  local held = redis.call("HGETALL", prefix .. "lease:" .. lease)
  for i = 1, #held, 2 do
    local key = counter_key(held[i])
    local born, amount = held[i + 1]:match("^(%d+):(%d+)$")
    -- Nothing held, nothing to give back: Redis does not read "-0".
    if amount ~= "0" and redis.call("HGET", key, "born") == born then
      change_reserved(lease, key, "-" .. amount)
    end
  end
  redis.call("DEL", prefix .. "lease:" .. lease)
  redis.call("ZREM", leases, lease)
end

local function end_leases()
  local ended = redis.call("ZRANGEBYSCORE", leases, "-inf", now, "LIMIT", 0, LEASES_PER_SWEEP)
  for _, lease in ipairs(ended) do
    end_lease(lease)
  end
end

-- What is used of several counters together; nil where one is not known.
local function used(names)
  local sum = 0
  for _, name in ipairs(names) do
    local state = redis.call("HMGET", counter_key(name), "settled", "reserved")
    if not state[1] then
      return nil
    end
    sum = sum + tonumber(state[1]) + tonumber(state[2])
  end
  return sum
end

-- holds: name, amount, limit, how many names stand beside it, these names
-- Returns nil when all are held, else the position of the first that did not fit.
function commands.reserve(lease, ends_at, ...)
  local holds, wanted = { ... }, {}
  end_leases()
  if redis.call("ZSCORE", leases, lease) then
    return nil
  end
  local i, position = 1, 0
  while i <= #holds do
    local name, limit, beside = holds[i], tonumber(holds[i + 2]), tonumber(holds[i + 3])
    local names = { name, unpack(holds, i + 4, i + 3 + beside) }
    wanted[name] = (wanted[name] or 0) + tonumber(holds[i + 1])
    local known = used(names)
    -- What costs nothing fits even where more was spent than the limit.
    if not known or wanted[name] > math.max(0, limit - known) then
      return position
    end
    i, position = i + 4 + beside, position + 1
  end
  for name, amount in pairs(wanted) do
    hold(lease, name, string.format("%.0f", amount))
  end
  redis.call("ZADD", leases, ends_at, lease)
  return nil
end

function commands.renew(lease, ends_at)
  end_leases()
  redis.call("ZADD", leases, "XX", ends_at, lease)
end

-- counters: names, each once
function commands.settle(lease, spent, remember_ms, ...)
  if not redis.call("SET", prefix .. "settled:" .. lease, "", "NX", "PX", remember_ms) then
    return
  end
  end_lease(lease)
  for _, name in ipairs({ ... }) do
    if redis.call("EXISTS", counter_key(name)) == 1 then
      redis.call("HINCRBY", counter_key(name), "settled", spent)
    end
  end
end

function commands.states(...)
  end_leases()
  local states = {}
  for i, name in ipairs({ ... }) do
    states[i] = redis.call("HMGET", counter_key(name), "settled", "reserved", "aside")
  end
  return states
end

-- A counter that was forgotten and made again is another one: "born" tells its old leases so.
-- ttl_ms: "" for ever
function commands.seed(name, settled, ttl_ms)
  local key = counter_key(name)
  if redis.call("EXISTS", key) == 1 then
    return 0
  end
  local born = redis.call("INCR", prefix .. "births")
  redis.call("HSET", key, "born", born, "settled", settled, "reserved", 0)
  if ttl_ms ~= "" then
    redis.call("PEXPIRE", key, ttl_ms)
  end
  return 1
end

function commands.settled_at_least(name, settled)
  local known = redis.call("HGET", counter_key(name), "settled")
  if known and tonumber(known) < tonumber(settled) then
    redis.call("HSET", counter_key(name), "settled", settled)
  end
end

function commands.forget(...)
  for _, name in ipairs({ ... }) do
    redis.call("DEL", counter_key(name))
  end
end

return commands[ARGV[1]](unpack(ARGV, 3))
