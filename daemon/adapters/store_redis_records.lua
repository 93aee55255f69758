-- The owner's records, shared by the fleet.
--
-- KEYS[1] is the prefix "helix:{r}:" that every key here begins with, so all are in one Cluster slot.
-- ARGV: the command, then its arguments.
--
--   <kind>  hash: a record's name -> the record as JSON

local prefix = KEYS[1]
local commands = {}

-- `instead_of`: "" where nothing may be kept yet, else "=" and what is expected there.
function commands.replace(kind, name, record, instead_of)
  local kept = redis.call("HGET", prefix .. kind, name)
  if (kept and "=" .. kept or "") ~= instead_of then
    return 0
  end
  redis.call("HSET", prefix .. kind, name, record)
  return 1
end

return commands[ARGV[1]](unpack(ARGV, 2))
