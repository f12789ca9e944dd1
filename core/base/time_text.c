/* SPDX-License-Identifier: MIT */
/*
 * Time as text: XEP-0082 date-times of the years 0000 to 9999, on the proleptic Gregorian
 * calendar. The calendar works on years that begin in March, so that the leap day comes last.
 */
#include "core/base/base.h"

#include <stdio.h>

static int64_t
days_from_date(int64_t year, int month, int day) /* since 1970-01-01 */
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void
date_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void
xyi_time_write(int64_t ms, char out[XYI_TIME_SIZE])
{
    const int64_t day_ms = 86400000, first = -62167219200000, last = 253402300799999;
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    int of_day = (int)(ms - days * day_ms), year, month, day;
    date_from_days(days, &year, &month, &day);
    snprintf(out, XYI_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000,
             (unsigned)month % 100, (unsigned)day % 100, (unsigned)of_day / 3600000 % 100,
             (unsigned)of_day / 60000 % 60, (unsigned)of_day / 1000 % 60,
             (unsigned)of_day % 1000);
}

struct xy_str
xy_time_format(int64_t ms)
{
    char *text = xy_temp_alloc(XYI_TIME_SIZE);
    xyi_time_write(ms, text);
    return xy_str_of(text, XYI_TIME_SIZE - 1);
}

/* Takes `count` digits off the front, then `after` unless it is NUL. */
static bool
take_number(struct xy_str *s, unsigned count, char after, int *out)
{
    int value = 0;
    if (s->len < count + (after != 0))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (s->at[i] < '0' || s->at[i] > '9')
            return false;
        value = value * 10 + (s->at[i] - '0');
    }
    if (after && s->at[count] != after)
        return false;
    *s = xy_str_of(s->at + count + (after != 0), s->len - count - (after != 0));
    *out = value;
    return true;
}

static bool
take_fraction(struct xy_str *s, int *ms)
{
    *ms = 0;
    if (!s->len || s->at[0] != '.')
        return true;
    size_t i = 1;
    for (int worth = 100; i < s->len && s->at[i] >= '0' && s->at[i] <= '9'; i++, worth /= 10)
        *ms += worth * (s->at[i] - '0');
    *s = xy_str_of(s->at + i, s->len - i);
    return i > 1;
}

static bool
take_offset(struct xy_str s, int *minutes)
{
    int hour, minute;
    *minutes = 0;
    if (xy_str_is(s, "Z"))
        return true;
    if (!s.len || (s.at[0] != '+' && s.at[0] != '-'))
        return false;
    bool west = s.at[0] == '-';
    struct xy_str rest = xy_str_of(s.at + 1, s.len - 1);
    if (!take_number(&rest, 2, ':', &hour) || !take_number(&rest, 2, 0, &minute) || rest.len ||
        hour > 23 || minute > 59)
        return false;
    *minutes = (hour * 60 + minute) * (west ? -1 : 1);
    return true;
}

static int
days_in_month(int year, int month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 ? 28 + leap : 30 + ((month + (month > 7)) & 1);
}

xy_status
xy_time_parse(struct xy_str text, int64_t *ms)
{
    int year, month, day, hour, minute, second, fraction, offset;
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month) ||
        !take_number(&text, 2, 'T', &day) || !take_number(&text, 2, ':', &hour) ||
        !take_number(&text, 2, ':', &minute) || !take_number(&text, 2, 0, &second) ||
        !take_fraction(&text, &fraction) || !take_offset(text, &offset))
        return XY_INVALID;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60) /* 60: a leap second */
        return XY_INVALID;
    int64_t minutes = days_from_date(year, month, day) * 1440 + hour * 60 + minute - offset;
    *ms = (minutes * 60 + second) * 1000 + fraction;
    return XY_OK;
}
