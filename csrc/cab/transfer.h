/* One easy handle of libcurl and the attempts that it carries, one after the other. A room of the
 * engine's: everybody else knows a transfer by engine.h. */
#ifndef CAB_TRANSFER_H
#define CAB_TRANSFER_H

#include "cab/error.h"
#include "cab/request.h"
#include "cab/trust.h"
#include "cab/wire.h"

#pragma GCC visibility push(hidden)

/* Watches the reader as libcurl asks, and no more: at the latest before it is closed, or is not the
 * only one any more. */
void cab_wire_drop_reader(cab_wire *wire);

/* `trust`: NULL for the wire's. NULL with err on failure. */
cab_transfer *cab_transfer_new(cab_wire *wire, const cab_trust *trust, cab_error *err);
void cab_transfer_free(cab_transfer *t);

/* Prepares the next attempt: whoever adds the handle to a multi handle then begins it. */
CURLcode cab_transfer_prepare(cab_transfer *t, const cab_request *r);
/* The same attempt again, over a new connection: the kept one had ended before it was let out, or a
 * session was not to be resumed. */
CURLcode cab_transfer_prepare_afresh(cab_transfer *t);
/* Writes down what became of the attempt, while the handle is still with its multi handle. */
void cab_transfer_end(cab_transfer *t, CURLcode code);
/* The same once more: where the server had ended its side before all was sent, its refusal is read
 * as the connection is closed. */
void cab_transfer_settle(cab_transfer *t);

#pragma GCC visibility pop

#endif
