/* The only place that reads time. */
#ifndef CAB_CLOCK_H
#define CAB_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Monotonic time in milliseconds, for every limit and wait. Never goes back. */
int64_t cab_clock_ms(void);
/* The same in microseconds, for how long work takes. */
int64_t cab_clock_us(void);
/* Monotonic time in seconds. */
double cab_clock_mono(void);
/* UTC in seconds since the epoch, with fraction. */
double cab_clock_utc(void);

/* Writes `utc` as YYYYMMDDTHHMMSSZ, 16 characters and a NUL. */
void cab_clock_sdk_date(double utc, char out[17]);
/* Reads an HTTP date in any of its three forms (RFC 9110, 5.6.7). Answers seconds since the
 * epoch, or -1 when the text is none. */
int64_t cab_clock_http_date(const char *text, size_t len);

#pragma GCC visibility pop

#endif
