-- Texts that readers of JSON may take or leave. What matters is that we do the same everywhere:
-- name, text, and the value as core.encode writes it; false: not read.
return {
  { "a name given twice", '{"a":1,"a":2}', '{"a":2}' },
  { "a name given twice, once escaped", '{"a":1,"\\u0061":2}', '{"a":2}' },
  { "a tab in a text", '"a\tb"', '"a\\tb"' },
  { "a line end in a text", '"a\nb"', '"a\\nb"' },
  { "a control character in a text", '"\1"', '"\\u0001"' },
  { "a point at the end", "[1.]", "[1]" },
  { "a point at the end and an exponent", "[1.e1]", "[10]" },
  { "a point behind the minus", "[-.25]", "[-0.25]" },
  { "a point behind the minus and an exponent", "[-.25e1]", "[-2.5]" },
  { "2^53 + 1", "[9007199254740993]", "[9007199254740992]" },
  { "2^63", "[9223372036854775808]", "[9.223372036854776e+18]" },
  { "-2^63", "[-9223372036854775808]", "[-9.223372036854776e+18]" },
  { "2^63 - 1", "[9223372036854775807]", "[9.223372036854776e+18]" },
  { "too small for a number", "[1e-400]", "[0]" },
}
