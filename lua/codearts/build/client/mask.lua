--- Hides what a service repeats of the credentials that it was sent. In time that is in proportion to the texts, however many
--- they are and whatever they hold.
local encode = require("codearts.build.core").encode

-- What is told of a text, and how far beyond that it is looked at, for there may go on what was cut.
local LONGEST, BEYOND = 8192, 4096
-- Looks for secrets in texts of one table, at most: each takes its time, however short the text is.
local MOST_LOOKS = 1000
local A_PART = 8192 -- bytes that take at least as long as a look at none
local A_LOOK = 1024 -- bytes that are worth one, see mask_texts
local LEAST = 10 ^ 7 -- of the numbers that are looked at: eight digits

local function mask_text(core, text, ...)
  local known, masked = pcall(core.mask, core, text, ...)
  return known and masked or "***" -- who is closed cannot tell what is to be hidden
end

--- At most so many bytes of a text, between two characters.
local function cut(text, most)
  while most > 0 and #text > most and text:find("^[\128-\191]", most + 1) do
    most = most - 1
  end
  return text:sub(1, most)
end

local function looked_at(text)
  return #text > LONGEST + BEYOND and cut(text, LONGEST + BEYOND) .. "…" or text
end

--- What is told of a text that was masked.
local function short(masked, text)
  return #text > LONGEST and cut(masked, LONGEST) .. "…" or masked
end

local function add_text(text, texts)
  texts[#texts + 1] = looked_at(text)
  texts.changed = texts.changed or #text > LONGEST
end

--- What may show a secret: a text, or a number as a document has it.
local function text_of(member)
  if type(member) ~= "number" then
    return type(member) == "string" and member
  end
  local size = math.abs(member)
  return size >= LEAST and size < math.huge and encode(member)
end

--- Adds the texts of a table and of those in it, and each name once.
local function add_texts(value, texts, names)
  for name, member in next, value do
    if type(name) == "string" and not names.told[name] then
      names.told[name] = name
      names.all[#names.all + 1] = name
      add_text(name, names.texts)
    end
    local text = text_of(member)
    if text then
      add_text(text, texts)
    elseif type(member) == "table" then
      add_texts(member, texts, names)
    end
  end
end

--- Puts texts in their places, in the order in which they were added, and names in theirs. Answers the number of the last
--- text.
local function put_texts(value, texts, names, at)
  local here, members = {}, {}
  for name, member in next, value do
    here[#here + 1], members[#members + 1] = name, member
  end
  for i, name in ipairs(here) do
    local told, member = names.told[name] or name, members[i]
    local text = text_of(member)
    if text then
      at = at + 1
      -- A number is all of a secret, or one that somebody reckons with.
      local masked = type(member) == "string" or texts[at] == "***"
      member = masked and short(texts[at], text) or member
    elseif type(member) == "table" then
      at = put_texts(member, texts, names, at)
    end
    if told ~= name then
      value[name] = nil
    end
    value[told] = member
  end
  return at
end

--- Masks some of the texts: all at once, since there is hardly ever a secret and to look for one takes longer than most texts
--- are. Where there is one, by quarters, which takes as many looks as by halves, and each text is in half as many of them; of much, by
--- more parts, down to what takes no longer than a look at nothing, while enough looks are left. When there were too many looks, all
--- that may show one is hidden. What a terminal obeys, or strikes over, may end in another text than it begins in: one with such is
--- looked at alone. That, and a look that hides all, which may have taken long, counts by its bytes.
local function mask_texts(core, texts, first, last, looks, ...)
  local all = table.concat(texts, "\n", first, last)
  local alone = all:find "[\8\27]"
  if first == last or looks.left < 1 or not alone then
    local masked = looks.left >= 1 and mask_text(core, all, ...) or "***"
    looks.left = looks.left - ((alone or masked == "***") and 1 + #all / A_LOOK or 1)
    if masked == all then
      return
    end
    texts.changed = true
    if looks.left < 0 or first == last then
      for i = first, last do
        texts[i] = first == last and masked or "***"
      end
      return
    end
  end
  local some = math.ceil((last - first + 1) / math.max(4, math.min(#all / A_PART, looks.left / 8)))
  for at = first, last, some do
    mask_texts(core, texts, at, math.min(at + some - 1, last), looks, ...)
  end
end

---@param core table the core's client, or who masks in its place
---@param value string|table which is changed
---@param ... any? what it came with; what is no table says nothing
---@return string|table value
return function(core, value, ...)
  if type(value) == "string" then
    return short(mask_text(core, looked_at(value), ...), value)
  end
  local texts, names = {}, { all = {}, texts = {}, told = {} }
  add_texts(value, texts, names)
  for _, list in ipairs { texts, names.texts } do
    if list[1] then
      mask_texts(core, list, 1, #list, { left = MOST_LOOKS }, ...)
    end
  end
  if texts.changed or names.texts.changed then
    for i, name in ipairs(names.all) do
      names.told[name] = short(names.texts[i], name)
    end
    put_texts(value, texts, names, 0)
  end
  return value
end
