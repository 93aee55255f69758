-- What keys use in a minute, counted by a whole fleet.
--
-- KEYS[1] is the prefix "helix:{u}:" that every key here begins with, so all are in one Cluster slot.
-- ARGV: the command, the caller's time in Unix seconds, then the command's own arguments.
--
--   requests:<key>, tokens:<key>   hash: a second -> what was used in it
--   open:<key>                     sorted set: a request under way -> when it is taken for dead
--
-- A second counts until sixty more have passed since its end, so no minute holds more than the limit.

local prefix, now = KEYS[1], tonumber(ARGV[2])
local second = math.floor(now)
local COUNTS_S, KEPT_S = 61, 130
local commands = {}

-- All that still counts, and its sum.
local function uses(name)
  local counted, sum = {}, 0
  local flat = redis.call("HGETALL", name)
  for i = 1, #flat, 2 do
    if tonumber(flat[i]) + COUNTS_S <= now then
      redis.call("HDEL", name, flat[i])
    else
      counted[#counted + 1], counted[#counted + 2] = flat[i], flat[i + 1]
      sum = sum + tonumber(flat[i + 1])
    end
  end
  return counted, sum
end

local function add(name, at, amount)
  redis.call("HINCRBY", name, at, amount)
  redis.call("EXPIRE", name, KEPT_S)
end

-- A limit is "" where there is none. Returns whether it was let in (1 or 0), how many are under way, and what was used
-- before it of requests and of tokens.
function commands.admit(key, request, rpm, tpm, parallel, tokens, ends_at)
  local open, by_request, by_token = prefix .. "open:" .. key, prefix .. "requests:" .. key, prefix .. "tokens:" .. key
  redis.call("ZREMRANGEBYSCORE", open, "-inf", now)
  local under_way = redis.call("ZCARD", open)
  local requests, request_sum = uses(by_request)
  local used, token_sum = uses(by_token)
  local fits = (parallel == "" or under_way < tonumber(parallel))
    and (rpm == "" or request_sum + 1 <= tonumber(rpm))
    and (tpm == "" or token_sum + tonumber(tokens) <= tonumber(tpm))
  if fits then
    redis.call("ZADD", open, ends_at, request)
    redis.call("EXPIRE", open, KEPT_S)
    add(by_request, second, 1)
    add(by_token, second, tokens)
  end
  return { fits and 1 or 0, under_way, requests, used }
end

-- `counted` tokens of the second `at` turned out to be `spent` ones, used up by now.
function commands.leave(key, request, at, counted, spent)
  redis.call("ZREM", prefix .. "open:" .. key, request)
  local by_token = prefix .. "tokens:" .. key
  if redis.call("HEXISTS", by_token, at) == 1 then
    redis.call("HINCRBY", by_token, at, "-" .. counted)
  end
  add(by_token, second, spent)
end

function commands.renew(key, ends_at, ...)
  for _, request in ipairs({ ... }) do
    redis.call("ZADD", prefix .. "open:" .. key, "XX", ends_at, request)
  end
  redis.call("EXPIRE", prefix .. "open:" .. key, KEPT_S)
end

return commands[ARGV[1]](unpack(ARGV, 3))
