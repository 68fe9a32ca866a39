/* Reads the escapes of JSON, URLs, HTML and shells, of which nobody says which one a text is
 * written in, and what is written for terminals. */
#ifndef CAB_ESCAPE_H
#define CAB_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* What an escape stands for. `used` bytes of the text give `len` bytes; used 0: it is none. */
typedef struct {
    size_t used, len;
    char bytes[4];
} cab_unit;

/* The escape at p, which is before `end`. */
cab_unit cab_read_escape(const char *p, const char *end);

/* The byte that \303 or \047 at p stands for, as shells and git write it, or 0: it is none. What
 * looks like one may be a backslash and digits. */
char cab_read_octal(const char *p, const char *end);

/* What %252f, &amp;lt; and %5Cu002f stand for, which are escaped twice: the escape at p, which is
 * `u`, stands for the beginning of another one. */
cab_unit cab_read_again(const char *p, const char *end, cab_unit u);

/* Bytes at p, before `end`, of the quotes between 'a'$'\t''b', where a shell begins to read escapes
 * or ends to; 0: there are none. */
size_t cab_read_quotes(const char *p, const char *end);

/* Characters that are struck over at once, and bytes of each, with what erases it: x, \b, ESC[K. */
#define CAB_MOST_STRUCK 12
#define CAB_LONGEST_STRUCK (5 * CAB_MOST_STRUCK)

/* Bytes at p, before `end`, that a terminal draws nothing of: a sequence that it obeys, colours and
 * links, what chooses its letters, or characters that are struck over by the next ones. 0: it draws
 * this. Adds to `*beyond` the bytes behind these that it took to tell, be it up to the end of the
 * text in search of a sequence's; NULL: nobody counts. */
size_t cab_read_unseen(const char *p, const char *end, size_t *beyond);

/* Bytes of the character at p, before `end`, that would break a line or steer a terminal, and is a
 * blank where texts are drawn (text.clean, tostring of an error); 0: it is drawn as it is. */
size_t cab_read_control(const char *p, const char *end);

/* Reads up to `most` digits; answers how many there were. */
size_t cab_read_digits(const char *p, const char *end, size_t most, uint32_t base, uint32_t *value);

#pragma GCC visibility pop

#endif
