-- The keeper of one tenant's limits, for all ingress loops that share this Redis: the rule of the
-- cluster's own keeper. What loops hold and what was used in the last minute never grow past a
-- limit by what is granted here.
--
-- KEYS: the tenant's life, then one hash for each line: "s:<second>" what was used in it,
-- "h:<loop>" what the loop said last.
-- ARGV: loop, epoch, seq, a fresh life; then for each line: windowed (1 or 0), limit, used, holding,
-- at hand of that, need, extra, and what was used second by second, with commas, or nothing.
-- What a loop asks replaces what it said before, so an ask is taken in once and in its turn: one that
-- comes again is told what it was told, and one that was overtaken by a later one is granted
-- nothing. A call that its client has given up, and that is carried out when Redis wakes up, does no
-- harm then.
--
-- Returns the life, then for each line: granted, free, at hand of other loops, retry ms, reset ms.
local loop, epoch, seq = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local sec = tonumber(time[1])
local ms = sec * 1000 + math.floor(tonumber(time[2]) / 1000)
local SILENT_MS, MINUTE, TTL = 10000, 60, 300

redis.call('SET', KEYS[1], ARGV[4], 'NX')
redis.call('EXPIRE', KEYS[1], 86400)
local answer = { redis.call('GET', KEYS[1]) }

local function number(x) return string.format('%.0f', x) end

for i = 2, #KEYS do
  local key = KEYS[i]
  local a = 4 + (i - 2) * 8
  local windowed = ARGV[a + 1] == '1'
  local limit, used, held = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  local at_hand = tonumber(ARGV[a + 5])
  local need, extra, told = tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7]), ARGV[a + 8]

  local seconds, sum, others, idle, loops, mine = {}, 0, 0, 0, 1, nil
  local function use(at, amount)
    if windowed and amount > 0 then
      redis.call('HINCRBY', key, 's:' .. number(at), number(amount))
      seconds[at] = (seconds[at] or 0) + amount
      sum = sum + amount
    end
  end

  local all = redis.call('HGETALL', key)
  for j = 1, #all, 2 do
    local field, value = all[j], all[j + 1]
    if string.sub(field, 1, 2) == 's:' then
      local at = tonumber(string.sub(field, 3))
      if at < sec - MINUTE then
        redis.call('HDEL', key, field)
      else
        seconds[at] = tonumber(value)
        sum = sum + seconds[at]
      end
    end
  end
  for j = 1, #all, 2 do
    local field, value = all[j], all[j + 1]
    if string.sub(field, 1, 2) == 'h:' then
      local e, s, u, h, heard, first, knows, given, left =
        string.match(value, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
      if not left then
        redis.call('HDEL', key, field) -- of another release
      elseif field == 'h:' .. loop then
        mine = { epoch = e, seq = tonumber(s), used = tonumber(u), holding = tonumber(h),
                 first = tonumber(first), knows = knows, granted = tonumber(given) }
      elseif ms - tonumber(heard) > SILENT_MS then
        use(sec, tonumber(h)) -- it may have been used before the loop fell silent
        redis.call('HDEL', key, field)
      else
        others = others + tonumber(h)
        idle = idle + tonumber(left)
        loops = loops + 1
      end
    end
  end

  local past = mine and mine.epoch == epoch and seq <= mine.seq
  local again = past and seq == mine.seq
  if past then
    held, need = mine.holding, 0
  elseif mine and mine.epoch == epoch then
    use(sec, math.max(0, used - mine.used))
  else
    if mine then use(sec, mine.holding) end
    mine = { first = used, knows = '0' }
  end
  if not past and told ~= '' and mine.knows == '0' then
    mine.knows = '1'
    local known, ago = used - mine.first, 0 -- it was told as it was used
    for text in string.gmatch(told, '[^,]+') do
      local amount = tonumber(text)
      if ago <= MINUTE then use(sec - ago, math.max(0, amount - known)) end
      known = math.max(0, known - amount)
      ago = ago + 1
    end
  end

  local free = math.max(0, limit - sum - others - held)
  local granted = 0
  if need > 0 then
    if free < need then
      granted = free
    else
      granted = need + math.min(extra, math.floor((free - need) / (2 * loops + 2)))
    end
  end
  if not past then
    local kept = need > 0 and math.max(0, granted - need) or at_hand
    redis.call('HSET', key, 'h:' .. loop, epoch .. ' ' .. number(seq) .. ' ' .. number(used) .. ' '
      .. number(held + granted) .. ' ' .. number(ms) .. ' ' .. number(mine.first) .. ' ' .. mine.knows
      .. ' ' .. number(granted) .. ' ' .. number(kept))
  end
  redis.call('EXPIRE', key, TTL)

  if again then
    need = tonumber(ARGV[a + 6])
    free = free + mine.granted -- it is held already
    granted = mine.granted
  end
  local retry, reset = 0, 0
  if granted < need then retry = 1000 end
  if sum > 0 then
    local lacking, gone = need - granted, 0
    local found = false
    for at = sec - MINUTE, sec do
      if seconds[at] and seconds[at] > 0 then
        gone = gone + seconds[at]
        local away = math.max(1, (at + MINUTE + 1) * 1000 - ms)
        reset = away
        if granted < need and not found then
          retry = away
          found = gone >= lacking
        end
      end
    end
  end
  answer[i] = { number(granted), number(free - granted), number(idle), number(retry), number(reset) }
end
return answer
