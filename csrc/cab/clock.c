#include "cab/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t cab_clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t cab_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

double cab_clock_mono(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double cab_clock_utc(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void two_digits(char *out, int n) {
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

/* Not by strftime, which looks at the time zone in the environment and costs more than the rest. */
void cab_clock_sdk_date(double utc, char out[17]) {
    time_t t = (time_t)utc;
    struct tm tm;
    memcpy(out, "19700101T000000Z", 17);
    if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year >= 8100) {
        return;
    }
    two_digits(out, (tm.tm_year + 1900) / 100);
    two_digits(out + 2, (tm.tm_year + 1900) % 100);
    two_digits(out + 4, tm.tm_mon + 1);
    two_digits(out + 6, tm.tm_mday);
    two_digits(out + 9, tm.tm_hour);
    two_digits(out + 11, tm.tm_min);
    two_digits(out + 13, tm.tm_sec);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; timegm is not in POSIX. */
static int64_t days_from_civil(int y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

int64_t cab_clock_http_date(const char *text, size_t len) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char s[64];
    char mon[4];
    int d, y, h, mi, sec, used = 0;
    if (len >= sizeof s) {
        return -1;
    }
    memcpy(s, text, len);
    s[len] = '\0';
    /* Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT | Sun Nov  6 08:49:37 1994 */
    if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &d, mon, &y, &h, &mi, &sec,
               &used) == 6 &&
        used > 0) {
        ;
    } else if (sscanf(s, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &d, mon, &y, &h, &mi,
                      &sec, &used) == 6 &&
               used > 0) {
        y += y < 70 ? 2000 : 1900;
    } else if (sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", mon, &d, &h, &mi, &sec, &y,
                      &used) == 6 &&
               used > 0) {
        ;
    } else {
        return -1;
    }
    const char *m = strlen(mon) == 3 ? strstr(months, mon) : NULL;
    if (m == NULL || (m - months) % 3 != 0 || s[used] != '\0' || y < 1601 || d < 1 || d > 31 ||
        h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60) {
        return -1;
    }
    return days_from_civil(y, (int)((m - months) / 3) + 1, d) * 86400 + h * 3600 + mi * 60 + sec;
}
