--- Coroutines for flows inside the library. ngx_lua replaces the standard functions by ones that
--- yield to nginx, which a callback of a C function cannot do; it keeps the standard ones under
--- names with an underscore, and for flows, which never touch nginx, these are right.
return {
  create = coroutine._create or coroutine.create,
  resume = coroutine._resume or coroutine.resume,
  yield = coroutine._yield or coroutine.yield,
  status = coroutine._status or coroutine.status,
}
