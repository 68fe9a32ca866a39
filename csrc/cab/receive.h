/* What libcurl brings of an answer: its head, line by line, and its body, piece by piece, as
 * fast as its owner takes it. */
#ifndef CAB_RECEIVE_H
#define CAB_RECEIVE_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Of all heads of an answer. */
#define CAB_MAX_HEAD_BYTES (256 * 1024)

/* Callbacks of libcurl's; `transfer` is a cab_transfer. */
size_t cab_receive_header(char *line, size_t size, size_t count, void *transfer);
size_t cab_receive_body(char *data, size_t size, size_t count, void *transfer);

#pragma GCC visibility pop

#endif
