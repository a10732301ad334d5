/* target_rules.c -- rules of single values in policies with a targetRef. */
#include "target.h"

void rule_span_positive(struct opt_dur d, const struct path *at, struct err *e)
{
    if (d.set && d.ns <= 0)
        err_cause(e, at, "must be greater than zero when defined");
}

void rule_span_not_negative(struct opt_dur d, const struct path *at, struct err *e)
{
    if (d.set && d.ns < 0)
        err_cause(e, at, "must not be negative when defined");
}

void rule_u32_positive(struct opt_u32 n, const struct path *at, struct err *e)
{
    if (n.set && n.v == 0)
        err_cause(e, at, "must be greater than 0");
}

void rule_int_percentage(bool given, int64_t percent, const struct path *at, struct err *e)
{
    if (given && (percent < 0 || percent > 100))
        err_cause(e, at, "has to be in [0 - 100] range");
}

void rule_status_code(int32_t status, const struct path *at, struct err *e)
{
    if (status < 100 || status >= 600)
        err_cause(e, at, "must be in range [100, 600)");
}

/* "1e-3": the exponent behind the 'e', in 32 bits; false when there is an 'e' and no number behind it. */
static bool parse_exponent(struct str s, size_t *mantissa_size, int64_t *exponent)
{
    size_t lower = str_chr(s, 'e'), upper = str_chr(s, 'E');

    *mantissa_size = lower < upper ? lower : upper;
    *exponent = 0;
    if (*mantissa_size == s.n)
        return true;
    struct str text = str_slice(s, *mantissa_size + 1, s.n);

    if (str_has_prefix(text, STR("+")) && !str_has_prefix(text, STR("+-")))
        text = str_slice(text, 1, text.n);
    return str_to_int(text, INT32_MIN, INT32_MAX, exponent);
}

/* Exact, whatever the number of digits: compares places of the first digit instead of computing a value. */
static bool parse_text(struct str s, int *sign, bool *above_100)
{
    size_t size, n_digits = 0, n_decimals = 0;
    int64_t exponent, n_places = 0; /* of digits from the first that is not 0 */
    bool negative = false, has_point = false, has_sign = false, above_1_then_0 = false;

    if (!parse_exponent(s, &size, &exponent))
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = s.p[i];

        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        n_decimals += has_point;
        if ((c == '-' || c == '+') && n_digits == 0 && !has_sign) {
            has_sign = true;
            negative = c == '-';
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        n_digits++;
        above_1_then_0 |= n_places > 0 ? c != '0' : c > '1';
        n_places += n_places > 0 || c != '0';
    }
    /* The number is 0.d1d2d3... * 10^magnitude; 100 is 0.1 * 10^3. */
    int64_t magnitude = n_places + exponent - (int64_t)n_decimals;

    *sign = n_places == 0 ? 0 : negative ? -1 : 1;
    *above_100 = *sign > 0 && (magnitude > 3 || (magnitude == 3 && above_1_then_0));
    return n_digits > 0;
}

bool decimal_parse(const struct int_or_str *number, int *sign, bool *above_100)
{
    if (number->text.p)
        return parse_text(number->text, sign, above_100);
    *sign = (number->n > 0) - (number->n < 0);
    *above_100 = number->n > 100;
    return true;
}

void rule_percentage_texts(const struct int_or_str *percent, const char *no_number, const char *out_of_range,
                           const struct path *at, struct err *e)
{
    int sign;
    bool above_100;

    if (!decimal_parse(percent, &sign, &above_100))
        err_cause(e, at, "%s", no_number);
    else if (sign < 0 || above_100)
        err_cause(e, at, "%s", out_of_range);
}

void rule_number_percentage(const struct int_or_str *percent, const struct path *at, struct err *e)
{
    rule_percentage_texts(percent, "string has to be a valid number", "has to be in [0.0 - 100.0] range", at,
                          e);
}
