-- Keeps marks of which the last writer wins, so that nodes may write in any order.
--
-- KEYS: a hash, one field for each target: "<stamp> <node> <mark>".
-- ARGV: for each mark: target, stamp, node, mark.
for i = 1, #ARGV, 4 do
  local target, stamp, by = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local there = redis.call('HGET', KEYS[1], target)
  local newer = true
  if there then
    local theirs, whose = string.match(there, '^(%d+) (%S+) ')
    newer = not theirs or stamp > tonumber(theirs) or (stamp == tonumber(theirs) and by > whose)
  end
  if newer then
    redis.call('HSET', KEYS[1], target, ARGV[i + 1] .. ' ' .. by .. ' ' .. ARGV[i + 3])
  end
end
return redis.call('HLEN', KEYS[1])
