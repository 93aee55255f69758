-- Vaults of stateful calls, shared by the fleet.
--
-- KEYS[1] is the prefix "helix:{v}:" that every key here begins with, so all are in one Cluster slot.
-- ARGV: the command, then its arguments.
--
--   vault:<name>  string: the sealed vault; ends by itself
--   owner:<name>  string: whose it is; ends with the vault
--   of:<owner>    set: the names of an owner's vaults; ends with the last of them

local prefix = KEYS[1]
local commands = {}

local function remove(name)
  local owner = redis.call("GET", prefix .. "owner:" .. name)
  if owner then
    redis.call("SREM", prefix .. "of:" .. owner, name)
  end
  redis.call("DEL", prefix .. "owner:" .. name)
  return redis.call("DEL", prefix .. "vault:" .. name)
end

-- `instead_of`: "" where nothing may be kept yet, else "=" and what is expected there.
function commands.put(name, owner, sealed, ttl_ms, instead_of)
  local kept = redis.call("GET", prefix .. "vault:" .. name)
  if (kept and "=" .. kept or "") ~= instead_of then
    return 0
  end
  remove(name)
  redis.call("SET", prefix .. "vault:" .. name, sealed, "PX", ttl_ms)
  redis.call("SET", prefix .. "owner:" .. name, owner, "PX", ttl_ms)
  local of = prefix .. "of:" .. owner
  redis.call("SADD", of, name)
  if redis.call("PTTL", of) < tonumber(ttl_ms) then
    redis.call("PEXPIRE", of, ttl_ms)
  end
  return 1
end

function commands.remove(name)
  return remove(name)
end

function commands.remove_of(owner)
  local removed = 0
  for _, name in ipairs(redis.call("SMEMBERS", prefix .. "of:" .. owner)) do
    removed = removed + remove(name)
  end
  return removed
end

return commands[ARGV[1]](unpack(ARGV, 2))
