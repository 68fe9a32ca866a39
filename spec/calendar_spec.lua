-- The calendar against one that counts day by day.

local calendar = require "codearts.build.calendar"

local LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

describe("the calendar", function()
  it("knows each day from 1896 to 2404, and no other", function()
    local number = calendar.days(1896, 1, 1)
    for year = 1896, 2404 do
      local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
      for month = 1, 12 do
        local length = month == 2 and leap and 29 or LENGTHS[month]
        for day = 1, length do
          local y, m, d = calendar.date(number)
          if calendar.days(year, month, day) ~= number or y ~= year or m ~= month or d ~= day then
            error(("%d-%d-%d is day %d"):format(year, month, day, number))
          end
          number = number + 1
        end
        assert.is_nil(calendar.days(year, month, length + 1))
      end
    end
    assert.equal(0, calendar.days(1970, 1, 1))
    assert.is_nil(calendar.days(2024, 0, 1))
    assert.is_nil(calendar.days(2024, 13, 1))
    assert.is_nil(calendar.days(2024, 1, 0))
  end)

  it("writes moments, beyond what 32 bits count, too", function()
    assert.equal("1970-01-01 00:00:00", calendar.moment(0))
    assert.equal("1969-12-31 23:59:59", calendar.moment(-0.5))
    assert.equal("2000-02-29 12:34:56", calendar.moment(951827696.9))
    assert.equal("2038-01-19 03:14:08", calendar.moment(2147483648))
    assert.equal("2106-02-07 06:28:16", calendar.moment(4294967296))
  end)
end)
