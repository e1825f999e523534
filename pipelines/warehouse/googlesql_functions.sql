CREATE TEMP MACRO g_clamped(n) AS CASE WHEN n > 2147483647 THEN 2147483647 ELSE n END;
-- What GoogleSQL's operators, casts and functions are on DuckDB, as macros of the connection that
-- `adcanary query` uses. A parameter with a type overloads. What is an error in GoogleSQL and not in
-- DuckDB is a cast of its words ('!…'), which fails where it is reached: ERROR() is volatile, and
-- TRY takes nothing volatile. A lambda names a value that would else be computed twice.

-- FLOAT64: a result that is infinite or NaN is an overflow, as neither can be an operand.
CREATE TEMP MACRO g_finite(r) AS
    list_transform([r], lambda v: CASE WHEN isfinite(v) OR v IS NULL THEN v ELSE CAST('!double overflow' AS DOUBLE) END)[1];
-- years 1 to 9999 only
CREATE TEMP MACRO g_day(d) AS
    list_transform([CAST(d AS DATE)], lambda v: CASE WHEN v < DATE '0001-01-01' OR v > DATE '9999-12-31' THEN CAST('!date overflow' AS DATE) ELSE v END)[1];
CREATE TEMP MACRO g_moment(t) AS
    list_transform([t], lambda v: CASE WHEN v < TIMESTAMP '0001-01-01 00:00:00' OR v > TIMESTAMP '9999-12-31 23:59:59.999999' THEN CAST('!timestamp overflow' AS TIMESTAMP) ELSE v END)[1];
CREATE TEMP MACRO g_civil() AS '\s*[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}([ tT][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{1,6})?)?';

-- Times: a civil time that a zone has twice is the earlier instant; one that it hasn't is read with
-- the offset from before the change.
CREATE TEMP MACRO g_instant(civil, zone) AS
    list_transform([timezone(zone, civil)], lambda t: CASE
        WHEN timezone(zone, t - INTERVAL 1 HOUR) = civil THEN t - INTERVAL 1 HOUR
        WHEN timezone(zone, t - INTERVAL 30 MINUTE) = civil THEN t - INTERVAL 30 MINUTE
        ELSE t
    END)[1];
CREATE TEMP MACRO g_offset_instant(civil, sign_and_hours) AS
    timezone('UTC', CAST(civil AS TIMESTAMP)) - to_minutes(CASE
        WHEN upper(sign_and_hours) = 'Z' THEN 0
        ELSE (CASE WHEN sign_and_hours[1] = '-' THEN -1 ELSE 1 END)
            * (60 * CAST(split_part(sign_and_hours[2:], ':', 1) AS INTEGER) + coalesce(TRY_CAST(split_part(sign_and_hours, ':', 2) AS INTEGER), 0))
    END);
-- a text's own zone comes before the default
CREATE TEMP MACRO g_text_instant(x, zone) AS
    CASE
        WHEN x IS NULL THEN CAST(NULL AS TIMESTAMPTZ)
        WHEN regexp_full_match(x, g_civil()) THEN g_instant(CAST(x AS TIMESTAMP), zone)
        WHEN regexp_full_match(x, concat(g_civil(), ' ?([zZ]|[+-][0-9]{1,2}(:[0-9]{2})?)'))
            THEN g_offset_instant(regexp_extract(x, concat('^', g_civil())), regexp_extract(x, '([zZ]|[+-][0-9]{1,2}(:[0-9]{2})?)$'))
        WHEN regexp_full_match(x, concat(g_civil(), ' [A-Za-z_/]+'))
            THEN g_instant(CAST(regexp_extract(x, concat('^', g_civil())) AS TIMESTAMP), regexp_extract(x, '[A-Za-z_/]+$'))
        ELSE CAST(concat('!Invalid timestamp: ', x) AS TIMESTAMPTZ)
    END;
CREATE TEMP MACRO g_micros(n) AS
    list_transform([n], lambda v: CASE WHEN v < -62135596800000000 OR v > 253402300799999999 THEN CAST('!timestamp overflow' AS TIMESTAMPTZ) ELSE make_timestamptz(v) END)[1];

-- Parts of a civil time: weeks start on the day named, WEEK on Sunday; days before the first one are
-- in week 0
CREATE TEMP MACRO g_week_start(part) AS
    CASE part WHEN 'WEEK' THEN 0 WHEN 'WEEK(SUNDAY)' THEN 0 WHEN 'WEEK(MONDAY)' THEN 1 WHEN 'WEEK(TUESDAY)' THEN 2 WHEN 'WEEK(WEDNESDAY)' THEN 3 WHEN 'WEEK(THURSDAY)' THEN 4 WHEN 'WEEK(FRIDAY)' THEN 5 WHEN 'WEEK(SATURDAY)' THEN 6 WHEN 'ISOWEEK' THEN 1 END;
CREATE TEMP MACRO g_days_into_week(d, part) AS (dayofweek(d) + 7 - g_week_start(part)) % 7;
CREATE TEMP MACRO g_part(x, part) AS
    CASE part
        WHEN 'ISOWEEK' THEN weekofyear(x)
        WHEN 'ISOYEAR' THEN isoyear(x)
        WHEN 'YEAR' THEN year(x)
        WHEN 'QUARTER' THEN quarter(x)
        WHEN 'MONTH' THEN month(x)
        WHEN 'DAY' THEN day(x)
        WHEN 'DAYOFWEEK' THEN dayofweek(x) + 1
        WHEN 'DAYOFYEAR' THEN dayofyear(x)
        WHEN 'HOUR' THEN hour(x)
        WHEN 'MINUTE' THEN minute(x)
        WHEN 'SECOND' THEN second(x)
        WHEN 'MILLISECOND' THEN millisecond(x) % 1000
        WHEN 'MICROSECOND' THEN microsecond(x) % 1000000
        ELSE (dayofyear(x) + 6 - g_days_into_week(x, part)) // 7
    END;
CREATE TEMP MACRO g_shifted(x, n, part) AS
    CASE part
        WHEN 'DAY' THEN x + to_days(CAST(n AS INTEGER))
        WHEN 'WEEK' THEN x + to_days(CAST(n * 7 AS INTEGER))
        WHEN 'MONTH' THEN x + to_months(CAST(n AS INTEGER))
        WHEN 'QUARTER' THEN x + to_months(CAST(n * 3 AS INTEGER))
        WHEN 'YEAR' THEN x + to_months(CAST(n * 12 AS INTEGER))
        WHEN 'HOUR' THEN x + to_hours(n)
        WHEN 'MINUTE' THEN x + to_minutes(n)
        WHEN 'SECOND' THEN x + to_microseconds(n * 1000000)
        WHEN 'MILLISECOND' THEN x + to_microseconds(n * 1000)
        WHEN 'MICROSECOND' THEN x + to_microseconds(n)
    END;
CREATE TEMP MACRO g_date_add(x DATE, n BIGINT, part) AS g_day(g_shifted(CAST(x AS TIMESTAMP), n, part));
CREATE TEMP MACRO g_date_sub(x DATE, n BIGINT, part) AS g_day(g_shifted(CAST(x AS TIMESTAMP), -n, part));
CREATE TEMP MACRO g_truncated(x, part) AS
    CASE
        WHEN part LIKE '%WEEK%' THEN date_trunc('day', x) - to_days(CAST(g_days_into_week(x, part) AS INTEGER))
        ELSE CAST(date_trunc(CASE WHEN part LIKE '%WEEK%' THEN 'day' ELSE part END, x) AS TIMESTAMP)
    END;
CREATE TEMP MACRO g_date_trunc(x DATE, part) AS g_day(g_truncated(CAST(x AS TIMESTAMP), part));
CREATE TEMP MACRO g_civil_diff(a, b, part) AS
    CASE part
        WHEN 'DAY' THEN CAST(a AS DATE) - CAST(b AS DATE)
        WHEN 'MONTH' THEN date_diff('month', b, a)
        WHEN 'QUARTER' THEN date_diff('quarter', b, a)
        WHEN 'YEAR' THEN date_diff('year', b, a)
        WHEN 'ISOYEAR' THEN isoyear(a) - isoyear(b)
        WHEN 'HOUR' THEN date_diff('hour', b, a)
        WHEN 'MINUTE' THEN date_diff('minute', b, a)
        WHEN 'SECOND' THEN date_diff('second', b, a)
        WHEN 'MILLISECOND' THEN date_diff('millisecond', b, a)
        WHEN 'MICROSECOND' THEN date_diff('microsecond', b, a)
        ELSE (CAST(g_truncated(a, part) AS DATE) - CAST(g_truncated(b, part) AS DATE)) // 7
    END;
CREATE TEMP MACRO g_date_diff(a DATE, b DATE, part) AS g_civil_diff(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP), part);
CREATE TEMP MACRO g_last_day
    (x DATE) AS last_day(x),
    (x DATE, part) AS g_day(g_shifted(g_truncated(CAST(x AS TIMESTAMP), part), 1, replace(replace(split_part(part, '(', 1), 'ISOWEEK', 'WEEK'), 'ISOYEAR', 'YEAR')) - INTERVAL 1 DAY);
CREATE TEMP MACRO g_date_from_unix_date(n BIGINT) AS g_day(DATE '1970-01-01' + to_days(CAST(n AS INTEGER)));
CREATE TEMP MACRO g_unix_date(x DATE) AS x - DATE '1970-01-01';
CREATE TEMP MACRO g_current_date() AS CAST(timezone('UTC', now()) AS DATE), (zone) AS CAST(timezone(zone, now()) AS DATE);
CREATE TEMP MACRO g_current_timestamp() AS now();
CREATE TEMP MACRO g_current_datetime() AS timezone('UTC', now()), (zone) AS timezone(zone, now());
CREATE TEMP MACRO g_step(n, part) AS
    CASE part
        WHEN 'DAY' THEN to_days(CAST(n AS INTEGER))
        WHEN 'WEEK' THEN to_days(CAST(n * 7 AS INTEGER))
        WHEN 'MONTH' THEN to_months(CAST(n AS INTEGER))
        WHEN 'QUARTER' THEN to_months(CAST(n * 3 AS INTEGER))
        WHEN 'YEAR' THEN to_months(CAST(n * 12 AS INTEGER))
    END;
CREATE TEMP MACRO g_generate_date_array
    (a DATE, b DATE) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_transform(generate_series(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP), INTERVAL 1 DAY), lambda v: CAST(v AS DATE)) END,
    (a DATE, b DATE, n BIGINT, part) AS CASE WHEN a IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN n = 0 THEN CAST('!Sequence step cannot be 0.' AS DATE[]) ELSE list_transform(generate_series(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP), g_step(n, part)), lambda v: CAST(v AS DATE)) END;
CREATE TEMP MACRO g_datetime_add(x TIMESTAMP, n BIGINT, part) AS g_moment(g_shifted(x, n, part));
CREATE TEMP MACRO g_datetime_sub(x TIMESTAMP, n BIGINT, part) AS g_moment(g_shifted(x, -n, part));
CREATE TEMP MACRO g_datetime_diff(a TIMESTAMP, b TIMESTAMP, part) AS g_civil_diff(a, b, part);
CREATE TEMP MACRO g_datetime_trunc(x TIMESTAMP, part) AS g_moment(g_truncated(x, part));
CREATE TEMP MACRO g_unit(part) AS
    CASE part WHEN 'MICROSECOND' THEN 1 WHEN 'MILLISECOND' THEN 1000 WHEN 'SECOND' THEN 1000000 WHEN 'MINUTE' THEN 60000000 WHEN 'HOUR' THEN 3600000000 WHEN 'DAY' THEN 86400000000 END;
CREATE TEMP MACRO g_timestamp_add(x TIMESTAMPTZ, n BIGINT, part) AS g_micros(epoch_us(x) + n * CAST(g_unit(part) AS BIGINT));
CREATE TEMP MACRO g_timestamp_sub(x TIMESTAMPTZ, n BIGINT, part) AS g_micros(epoch_us(x) - n * CAST(g_unit(part) AS BIGINT));
CREATE TEMP MACRO g_timestamp_diff(a TIMESTAMPTZ, b TIMESTAMPTZ, part) AS (epoch_us(a) - epoch_us(b)) // CAST(g_unit(part) AS BIGINT);
CREATE TEMP MACRO g_timestamp_trunc
    (x TIMESTAMPTZ, part) AS timezone('UTC', g_moment(g_truncated(timezone('UTC', x), part))),
    (x TIMESTAMPTZ, part, zone) AS g_instant(g_truncated(timezone(zone, x), part), zone);
CREATE TEMP MACRO g_timestamp_seconds(n BIGINT) AS g_micros(n * CAST(1000000 AS BIGINT));
CREATE TEMP MACRO g_timestamp_millis(n BIGINT) AS g_micros(n * CAST(1000 AS BIGINT));
CREATE TEMP MACRO g_timestamp_micros(n BIGINT) AS g_micros(n);
CREATE TEMP MACRO g_floor_div(a, b) AS (a - ((a % b) + b) % b) // b;
CREATE TEMP MACRO g_unix_seconds(x TIMESTAMPTZ) AS g_floor_div(epoch_us(x), 1000000);
CREATE TEMP MACRO g_unix_millis(x TIMESTAMPTZ) AS g_floor_div(epoch_us(x), 1000);
CREATE TEMP MACRO g_unix_micros(x TIMESTAMPTZ) AS epoch_us(x);
CREATE TEMP MACRO g_parse_date(form, x VARCHAR) AS g_day(strptime(x, form));
CREATE TEMP MACRO g_parse_datetime(form, x VARCHAR) AS g_moment(strptime(x, form));
CREATE TEMP MACRO g_parse_timestamp
    (form, x VARCHAR) AS timezone('UTC', g_moment(strptime(x, form))),
    (form, x VARCHAR, zone) AS g_instant(g_moment(strptime(x, form)), zone);

-- Numbers
CREATE TEMP MACRO g_abs(x) AS abs(x);
CREATE TEMP MACRO g_sqrt(x DOUBLE) AS sqrt(x);
CREATE TEMP MACRO g_exp(x DOUBLE) AS g_finite(exp(x));
CREATE TEMP MACRO g_ln(x DOUBLE) AS ln(x);
CREATE TEMP MACRO g_log10(x DOUBLE) AS log10(x);
CREATE TEMP MACRO g_power(x DOUBLE, y DOUBLE) AS CASE WHEN x = 0 AND y < 0 THEN CAST('!division by zero' AS DOUBLE) ELSE g_finite(pow(x, y)) END;
CREATE TEMP MACRO g_pow(x, y) AS g_power(x, y);
CREATE TEMP MACRO g_sin(x DOUBLE) AS sin(x);
CREATE TEMP MACRO g_cos(x DOUBLE) AS cos(x);
CREATE TEMP MACRO g_tan(x DOUBLE) AS tan(x);
CREATE TEMP MACRO g_asin(x DOUBLE) AS asin(x);
CREATE TEMP MACRO g_acos(x DOUBLE) AS acos(x);
CREATE TEMP MACRO g_atan(x DOUBLE) AS atan(x);
CREATE TEMP MACRO g_atan2(y DOUBLE, x DOUBLE) AS atan2(y, x);
CREATE TEMP MACRO g_ifnull(a, b) AS coalesce(a, b);
CREATE TEMP MACRO g_nullif(a, b) AS CASE WHEN a = b THEN NULL ELSE a END;

-- Texts
CREATE TEMP MACRO g_length(x VARCHAR) AS length(x);
CREATE TEMP MACRO g_char_length(x VARCHAR) AS length(x);
CREATE TEMP MACRO g_character_length(x VARCHAR) AS length(x);
CREATE TEMP MACRO g_byte_length(x VARCHAR) AS CAST(strlen(x) AS BIGINT);
CREATE TEMP MACRO g_upper(x VARCHAR) AS CASE WHEN strlen(x) = length(x) THEN upper(x) ELSE py_upper(x) END;
CREATE TEMP MACRO g_lower(x VARCHAR) AS CASE WHEN strlen(x) = length(x) THEN lower(x) ELSE py_lower(x) END;
CREATE TEMP MACRO g_spaces() AS concat(E' \t\n\r\f\x0B', chr(133), chr(160), chr(5760), chr(8192), chr(8193), chr(8194), chr(8195), chr(8196), chr(8197), chr(8198), chr(8199), chr(8200), chr(8201), chr(8202), chr(8232), chr(8233), chr(8239), chr(8287), chr(12288));
CREATE TEMP MACRO g_trim(x VARCHAR) AS trim(x, g_spaces()), (x VARCHAR, c VARCHAR) AS trim(x, c);
CREATE TEMP MACRO g_ltrim(x VARCHAR) AS ltrim(x, g_spaces()), (x VARCHAR, c VARCHAR) AS ltrim(x, c);
CREATE TEMP MACRO g_rtrim(x VARCHAR) AS rtrim(x, g_spaces()), (x VARCHAR, c VARCHAR) AS rtrim(x, c);
CREATE TEMP MACRO g_substr
    (x VARCHAR, p BIGINT) AS CASE WHEN p > 0 THEN substr(x, g_clamped(p)) WHEN p = 0 OR p < -length(x) THEN x ELSE substr(x, p) END,
    (x VARCHAR, p BIGINT, n BIGINT) AS
        CASE
            WHEN n < 0 AND x IS NOT NULL AND p IS NOT NULL THEN CAST(CAST('!Third argument in SUBSTR() cannot be negative' AS BIGINT) AS VARCHAR)
            WHEN p > 0 THEN substr(x, g_clamped(p), g_clamped(n))
            WHEN p = 0 OR p < -length(x) THEN substr(x, 1, g_clamped(n))
            ELSE substr(x, length(x) + p + 1, g_clamped(n))
        END;
CREATE TEMP MACRO g_substring(x VARCHAR, p BIGINT) AS g_substr(x, p), (x VARCHAR, p BIGINT, n BIGINT) AS g_substr(x, p, n);
CREATE TEMP MACRO g_right(x VARCHAR, n BIGINT) AS CASE WHEN n < 0 THEN CAST(CAST('!Second argument in RIGHT() cannot be negative' AS BIGINT) AS VARCHAR) WHEN n >= length(x) THEN x ELSE substr(x, length(x) - n + 1) END;
CREATE TEMP MACRO g_reverse(x VARCHAR) AS array_to_string(list_reverse(string_split(x, '')), '');
CREATE TEMP MACRO g_repeat(x VARCHAR, n BIGINT) AS CASE WHEN n < 0 THEN CAST(CAST('!Second argument in REPEAT() cannot be negative' AS BIGINT) AS VARCHAR) ELSE repeat(x, n) END;
CREATE TEMP MACRO g_starts_with(x VARCHAR, y VARCHAR) AS starts_with(x, y);
CREATE TEMP MACRO g_ends_with(x VARCHAR, y VARCHAR) AS suffix(x, y);
CREATE TEMP MACRO g_strpos(x VARCHAR, y VARCHAR) AS CAST(strpos(x, y) AS BIGINT);
CREATE TEMP MACRO g_instr(x VARCHAR, y VARCHAR) AS CAST(strpos(x, y) AS BIGINT);
CREATE TEMP MACRO g_split
    (x VARCHAR) AS CASE WHEN x = '' THEN [''] ELSE string_split(x, ',') END,
    (x VARCHAR, d VARCHAR) AS CASE WHEN d IS NULL THEN NULL WHEN x = '' THEN [''] ELSE string_split(x, d) END;
CREATE TEMP MACRO g_pad(n, p) AS CASE WHEN n < 0 OR p = '' THEN CAST('!padding needs a length of 0 or more and a pattern' AS INTEGER) ELSE CAST(n AS INTEGER) END;
CREATE TEMP MACRO g_ascii(x VARCHAR) AS CAST(CASE WHEN x = '' THEN 0 WHEN ascii(x) > 127 THEN CAST('!ASCII() of a character that is not ASCII' AS INTEGER) ELSE ascii(x) END AS BIGINT);
CREATE TEMP MACRO g_unicode(x VARCHAR) AS CAST(CASE WHEN x = '' THEN 0 ELSE unicode(x) END AS BIGINT);
CREATE TEMP MACRO g_regexp_contains(x VARCHAR, r VARCHAR) AS regexp_matches(x, r);
CREATE TEMP MACRO g_regexp_extract(x VARCHAR, r VARCHAR) AS CASE WHEN regexp_matches(x, r) THEN regexp_extract(x, r) END;
CREATE TEMP MACRO g_regexp_extract_group(x VARCHAR, r VARCHAR) AS CASE WHEN regexp_matches(x, r) THEN regexp_extract(x, r, 1) END;
CREATE TEMP MACRO g_regexp_extract_all(x VARCHAR, r VARCHAR) AS regexp_extract_all(x, r);
CREATE TEMP MACRO g_regexp_extract_all_group(x VARCHAR, r VARCHAR) AS regexp_extract_all(x, r, 1);
CREATE TEMP MACRO g_regexp_replace(x VARCHAR, r VARCHAR, s VARCHAR) AS regexp_replace(x, r, s, 'g');
CREATE TEMP MACRO g_md5(x VARCHAR) AS unhex(md5(x));
CREATE TEMP MACRO g_sha1(x VARCHAR) AS unhex(sha1(x));
CREATE TEMP MACRO g_sha256(x VARCHAR) AS unhex(sha256(x));
CREATE TEMP MACRO g_to_hex(x BLOB) AS lower(hex(x));
CREATE TEMP MACRO g_to_base64(x BLOB) AS to_base64(x);
CREATE TEMP MACRO g_farm_fingerprint(x VARCHAR) AS py_fingerprint(x);

-- Arrays
CREATE TEMP MACRO g_array_length(x) AS CAST(len(x) AS BIGINT);
CREATE TEMP MACRO g_array_reverse(x) AS list_reverse(x);
CREATE TEMP MACRO g_array_concat(x, y) AS CASE WHEN x IS NULL OR y IS NULL THEN NULL ELSE list_concat(x, y) END;
CREATE TEMP MACRO g_generate_array
    (a BIGINT, b BIGINT) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE generate_series(a, b) END,
    (a BIGINT, b BIGINT, n BIGINT) AS CASE WHEN a IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN n = 0 THEN CAST('!Sequence step cannot be 0.' AS BIGINT[]) ELSE generate_series(a, b, n) END;
CREATE TEMP MACRO g_element(x, n) AS CASE WHEN x IS NULL OR n IS NULL THEN NULL WHEN n BETWEEN 1 AND len(x) THEN x[n] ELSE x[CAST('!Array index is out of bounds' AS BIGINT)] END;
CREATE TEMP MACRO g_safe_element(x, n) AS CASE WHEN n BETWEEN 1 AND len(x) THEN x[n] END;
CREATE TEMP MACRO g_first(x, n) AS x[1:n];
CREATE TEMP MACRO g_is_numeric(x) AS typeof(x) LIKE 'DECIMAL%';
CREATE TEMP MACRO g_float(x) AS CASE WHEN g_is_numeric(x) THEN CAST('!NUMERIC in this function: cast it to FLOAT64' AS DOUBLE) ELSE CAST(x AS DOUBLE) END;
CREATE TEMP MACRO g_whole(x) AS CASE WHEN g_is_numeric(x) THEN CAST('!NUMERIC in this function: cast it to INT64' AS BIGINT) ELSE CAST(x AS BIGINT) END;
CREATE TEMP MACRO g_civil_of(x) AS CASE WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN timezone('UTC', CAST(x AS TIMESTAMPTZ)) ELSE CAST(x AS TIMESTAMP) END;
CREATE TEMP MACRO g_add(a, b) AS (+ a) + (+ b);
CREATE TEMP MACRO g_sub(a, b) AS (+ a) - (+ b);
CREATE TEMP MACRO g_mul(a, b) AS CASE WHEN g_is_numeric(a) AND g_is_numeric(b) THEN CAST('!NUMERIC times NUMERIC: cast one side to FLOAT64' AS BIGINT) ELSE a * b END;
CREATE TEMP MACRO g_minus(a) AS -a;
CREATE TEMP MACRO g_to_int64(x) AS
    CASE
        WHEN typeof(x) = 'VARCHAR' THEN CAST(CASE WHEN regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*') THEN trim(CAST(x AS VARCHAR), E' \t\n\r\f\x0B') ELSE concat('!Bad INT64 value: ', x) END AS BIGINT)
        WHEN typeof(x) = 'DOUBLE' THEN CAST(round(CAST(x AS DOUBLE)) AS BIGINT)
        ELSE CAST(x AS BIGINT)
    END;
CREATE TEMP MACRO g_float_text(x) AS g_finite(CAST(CASE WHEN regexp_full_match(x, '\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*') THEN trim(x, E' \t\n\r\f\x0B') ELSE concat('!Bad FLOAT64 value: ', x) END AS DOUBLE));
CREATE TEMP MACRO g_to_float64(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN g_float_text(CAST(x AS VARCHAR)) ELSE CAST(x AS DOUBLE) END;
CREATE TEMP MACRO g_safe_to_float64(x) AS
    CASE
        WHEN typeof(x) <> 'VARCHAR' THEN CAST(x AS DOUBLE)
        WHEN regexp_full_match(CAST(x AS VARCHAR), '(?i)\s*[+-]?(inf|infinity|nan)\s*') THEN g_float_text(CAST(x AS VARCHAR))
        ELSE TRY(g_float_text(CAST(x AS VARCHAR)))
    END;
CREATE TEMP MACRO g_to_numeric(x) AS
    CASE
        WHEN typeof(x) <> 'VARCHAR' THEN CAST(x AS DECIMAL(38, 9))
        ELSE CAST(CASE WHEN regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*') THEN trim(CAST(x AS VARCHAR), E' \t\n\r\f\x0B') ELSE concat('!Invalid NUMERIC value: ', x) END AS DECIMAL(38, 9))
    END;
CREATE TEMP MACRO g_to_bool(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN CAST(x AS BOOLEAN) ELSE CAST(CASE WHEN lower(CAST(x AS VARCHAR)) IN ('true', 'false') THEN CAST(x AS VARCHAR) ELSE concat('!Bad bool value: ', x) END AS BOOLEAN) END;
CREATE TEMP MACRO g_double_text(x) AS CASE WHEN x = 0 THEN '0' WHEN CAST(printf('%.15g', x) AS DOUBLE) = x THEN printf('%.15g', x) ELSE printf('%.17g', x) END;
CREATE TEMP MACRO g_seconds_text(x) AS
    CASE
        WHEN regexp_matches(x, '\.[0-9]{1}([+-].*)?$') THEN regexp_replace(x, '(\.[0-9]+)', '\1' || '00')
        WHEN regexp_matches(x, '\.[0-9]{2}([+-].*)?$') THEN regexp_replace(x, '(\.[0-9]+)', '\1' || '0')
        WHEN regexp_matches(x, '\.[0-9]{4}([+-].*)?$') THEN regexp_replace(x, '(\.[0-9]+)', '\1' || '00')
        WHEN regexp_matches(x, '\.[0-9]{5}([+-].*)?$') THEN regexp_replace(x, '(\.[0-9]+)', '\1' || '0')
        ELSE x
    END;
CREATE TEMP MACRO g_to_string(x) AS
    CASE
        WHEN typeof(x) = 'DOUBLE' THEN g_double_text(CAST(CAST(x AS VARCHAR) AS DOUBLE))
        WHEN g_is_numeric(x) THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')
        WHEN typeof(x) LIKE 'TIMESTAMP%' THEN g_seconds_text(CAST(x AS VARCHAR))
        ELSE CAST(x AS VARCHAR)
    END;
CREATE TEMP MACRO g_to_date(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN g_day(CAST(CASE WHEN regexp_full_match(CAST(x AS VARCHAR), '\s*[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}') THEN CAST(x AS VARCHAR) ELSE concat('!Invalid date: ', x) END AS DATE)) ELSE CAST(g_civil_of(x) AS DATE) END;
CREATE TEMP MACRO g_to_datetime(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN g_moment(CAST(CASE WHEN regexp_full_match(CAST(x AS VARCHAR), g_civil()) THEN CAST(x AS VARCHAR) ELSE concat('!Invalid datetime: ', x) END AS TIMESTAMP)) ELSE g_civil_of(x) END;
CREATE TEMP MACRO g_timestamp
    (x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN g_text_instant(CAST(x AS VARCHAR), 'UTC') WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN CAST(x AS TIMESTAMPTZ) ELSE timezone('UTC', CAST(x AS TIMESTAMP)) END,
    (x, zone) AS
        CASE
            WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' OR NOT regexp_full_match(CAST(x AS VARCHAR), g_civil())
                THEN CAST(CAST(CAST('!TIMESTAMP with a zone takes no other zone' AS BIGINT) AS VARCHAR) AS TIMESTAMPTZ)
            ELSE g_instant(CAST(x AS TIMESTAMP), zone)
        END;
CREATE TEMP MACRO g_to_timestamp(x) AS g_timestamp(x);
CREATE TEMP MACRO g_extract
    (x, part) AS g_part(g_civil_of(x), part),
    (x, zone, part) AS g_part(timezone(zone, CAST(x AS TIMESTAMPTZ)), part);
CREATE TEMP MACRO g_extract_date
    (x) AS CAST(g_civil_of(x) AS DATE),
    (x, zone) AS CAST(timezone(zone, CAST(x AS TIMESTAMPTZ)) AS DATE);
CREATE TEMP MACRO g_extract_datetime
    (x) AS g_civil_of(x),
    (x, zone) AS timezone(zone, CAST(x AS TIMESTAMPTZ));
CREATE TEMP MACRO g_date
    (x) AS g_to_date(x),
    (x, zone) AS CAST(timezone(zone, CAST(x AS TIMESTAMPTZ)) AS DATE),
    (y, m, d) AS g_day(make_date(CAST(y AS BIGINT), CAST(m AS BIGINT), CAST(d AS BIGINT)));
CREATE TEMP MACRO g_sign(x) AS CASE WHEN typeof(x) = 'DOUBLE' THEN CAST(sign(x) AS DOUBLE) ELSE CAST(sign(x) AS BIGINT) END;
CREATE TEMP MACRO g_ceil(x) AS ceil(g_float(x));
CREATE TEMP MACRO g_ceiling(x) AS ceil(g_float(x));
CREATE TEMP MACRO g_floor(x) AS floor(g_float(x));
CREATE TEMP MACRO g_round(x) AS round(g_float(x)), (x, n) AS round(g_float(x), CAST(n AS INTEGER));
CREATE TEMP MACRO g_trunc(x) AS trunc(g_float(x));
CREATE TEMP MACRO g_sum(x) AS CASE WHEN typeof(x) = 'HUGEINT' AND (x > 9223372036854775807 OR x < -9223372036854775808) THEN CAST('!int64 overflow' AS BIGINT) ELSE x END;
CREATE TEMP MACRO g_not_numeric(x) AS CASE WHEN g_is_numeric(x) THEN CAST('!AVG of a NUMERIC: cast it to FLOAT64' AS BIGINT) ELSE x END;
CREATE TEMP MACRO g_over(a, b) AS CASE WHEN g_is_numeric(a) OR g_is_numeric(b) THEN CAST('!NUMERIC divided: cast both sides to FLOAT64' AS DOUBLE) ELSE a / CASE WHEN b = 0 AND a IS NOT NULL THEN CAST('!division by zero' AS DOUBLE) ELSE CAST(b AS DOUBLE) END END;
CREATE TEMP MACRO g_mod(a, b) AS g_whole(a) % CASE WHEN b = -1 THEN 1 WHEN b = 0 AND a IS NOT NULL THEN CAST('!division by zero' AS BIGINT) ELSE g_whole(b) END;
CREATE TEMP MACRO g_div(a, b) AS g_whole(a) // CASE WHEN b = 0 AND a IS NOT NULL THEN CAST('!division by zero' AS BIGINT) ELSE g_whole(b) END;
CREATE TEMP MACRO g_finite_or_null(r) AS list_transform([r], lambda v: CASE WHEN isfinite(CAST(v AS DOUBLE)) THEN v END)[1];
CREATE TEMP MACRO g_safe_divide(a, b) AS CASE WHEN g_is_numeric(a) OR g_is_numeric(b) THEN CAST('!NUMERIC divided: cast both sides to FLOAT64' AS DOUBLE) ELSE g_finite_or_null(CASE WHEN b <> 0 THEN a / CAST(b AS DOUBLE) END) END;
CREATE TEMP MACRO g_modern(x) AS CASE WHEN x < TIMESTAMP '1000-01-01 00:00:00' THEN CAST('!a year before 1000 as text' AS TIMESTAMP) ELSE x END;
CREATE TEMP MACRO g_format_date(form, x) AS strftime(g_modern(g_civil_of(x)), form);
CREATE TEMP MACRO g_format_datetime(form, x) AS strftime(g_modern(g_civil_of(x)), form);
CREATE TEMP MACRO g_format_timestamp
    (form, x) AS strftime(g_modern(g_civil_of(x)), form),
    (form, x, zone) AS strftime(g_modern(timezone(zone, CAST(x AS TIMESTAMPTZ))), form);
CREATE TEMP MACRO g_json_value(x, path) AS py_json_value(CAST(x AS VARCHAR), path);
CREATE TEMP MACRO g_json_extract_scalar(x, path) AS py_json_value(CAST(x AS VARCHAR), path);
CREATE TEMP MACRO g_left(x VARCHAR, n BIGINT) AS CASE WHEN n < 0 AND x IS NOT NULL THEN CAST(CAST('!Second argument in LEFT() cannot be negative' AS BIGINT) AS VARCHAR) ELSE substr(x, 1, g_clamped(n)) END;
CREATE TEMP MACRO g_replace(x VARCHAR, a VARCHAR, b VARCHAR) AS CASE WHEN a = '' AND b IS NOT NULL THEN x ELSE replace(x, a, b) END;
CREATE TEMP MACRO g_lpad
    (x VARCHAR, n BIGINT) AS CASE WHEN x IS NOT NULL THEN lpad(x, g_pad(n, ' '), ' ') END,
    (x VARCHAR, n BIGINT, p VARCHAR) AS CASE WHEN x IS NOT NULL AND n IS NOT NULL AND p IS NOT NULL THEN lpad(x, g_pad(n, p), p) END;
CREATE TEMP MACRO g_rpad
    (x VARCHAR, n BIGINT) AS CASE WHEN x IS NOT NULL THEN rpad(x, g_pad(n, ' '), ' ') END,
    (x VARCHAR, n BIGINT, p VARCHAR) AS CASE WHEN x IS NOT NULL AND n IS NOT NULL AND p IS NOT NULL THEN rpad(x, g_pad(n, p), p) END;
CREATE TEMP MACRO g_log
    (x DOUBLE) AS ln(x),
    (x DOUBLE, base DOUBLE) AS CASE WHEN x IS NOT NULL AND base IS NOT NULL THEN ln(x) / CASE WHEN base = 1 THEN CAST('!log of base 1' AS DOUBLE) ELSE ln(base) END END;
CREATE TEMP MACRO g_offset_text(minutes) AS
    CASE WHEN minutes < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(minutes) // 60 AS VARCHAR), 2, '0') || CASE WHEN minutes % 60 = 0 THEN '' ELSE concat(':', lpad(CAST(abs(minutes) % 60 AS VARCHAR), 2, '0')) END;
CREATE TEMP MACRO g_string
    (x) AS g_to_string(x),
    (x, zone) AS g_seconds_text(CAST(timezone(zone, CAST(x AS TIMESTAMPTZ)) AS VARCHAR)) || g_offset_text(date_diff('minute', timezone('UTC', CAST(x AS TIMESTAMPTZ)), timezone(zone, CAST(x AS TIMESTAMPTZ))));
CREATE TEMP MACRO g_datetime
    (x) AS g_to_datetime(x),
    (x, zone) AS timezone(zone, CAST(x AS TIMESTAMPTZ)),
    (y, m, d, h, mi, s) AS CASE WHEN h > 23 OR mi > 59 OR s > 59 THEN CAST('!Input calculates to invalid datetime' AS TIMESTAMP) ELSE g_moment(make_timestamp(CAST(y AS BIGINT), CAST(m AS BIGINT), CAST(d AS BIGINT), CAST(h AS BIGINT), CAST(mi AS BIGINT), CAST(s AS DOUBLE))) END;
CREATE TEMP MACRO g_chr(n BIGINT) AS CASE WHEN n = 0 THEN CAST(CAST('!CHR(0)' AS BIGINT) AS VARCHAR) ELSE chr(CAST(n AS INTEGER)) END;
