/* JSON numbers, read from a text into floats of 64 bits, each the nearest one to what is written.

   A number is w * 10^-k or w * 10^k, w its digits as a whole number. Up to 2^53 and 10^22 both are exact as doubles, so
   one rounded operation gives the nearest (Clinger, How to read floating point numbers accurately, 1990). Other w below
   2^64 are multiplied by a power of ten that is rounded down to 128 bits, as Lemire does (Number parsing at a gigabyte
   per second, 2021), and whatever that leaves open, and all else, is for CPython's own conversion. */

#ifndef MILLRACE_JSON_NUMBERS_H
#define MILLRACE_JSON_NUMBERS_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "abi3.h"
#include "buffers.h"

#define MOST_DIGITS 19           /* as many always fit into 64 bits */
#define EXACT_WHOLE (1ull << 53) /* up to this, doubles hold every whole number */
#define EXACT_POWER 22           /* the largest power of ten that is a double */
#define SMALLEST_POWER 54        /* the smallest one of the table is 10^-54: 5^54 < 2^126 */
#define LONGEST_TOKEN 400        /* bytes of a number that is taken */
#define LARGEST_EXPONENT 9999

typedef unsigned __int128 wide_t;

/* 5^-k * 2^shift, rounded down, its top bit set: 2^127 <= reciprocal < 2^128 (at k = 0, 2^127). */
typedef struct {
    uint64_t high, low;
    int shift;
} reciprocal_t;

typedef struct {
    const char *at, *end;
    int whole; /* take only whole numbers that a double holds exactly */
    size_t count, most, room;
    double *values;
} reader_t;

static reciprocal_t reciprocals[SMALLEST_POWER + 1];

/* Fills the table by long division of 1 by 5^k, bit by bit. */
static void fill_reciprocals(void) {
    wide_t power = 1;
    for (int k = 0; k <= SMALLEST_POWER; k++, power *= 5) {
        wide_t quotient = power == 1, left = power == 1 ? 0 : 1;
        int shift = 0;
        while (!(quotient >> 127)) {
            left <<= 1;
            quotient = quotient << 1 | (left >= power);
            if (left >= power) left -= power;
            shift++;
        }
        reciprocals[k] = (reciprocal_t){(uint64_t)(quotient >> 64), (uint64_t)quotient, shift};
    }
}

/* Whether w * 10^-k, 0 < w, could be rounded to the nearest double, which is then in value.

   The upper 128 bits of the product of 64 and of 128 bits are at most 2 below the true ones: less than 1 because the
   reciprocal was rounded down, and less than 1 because the rest is cut off. Where 2 more round otherwise, or might be a
   tie, it is left open. */
static int scaled_down(uint64_t w, int k, double *value) {
    const reciprocal_t *by = reciprocals + k;
    int up = __builtin_clzll(w);
    w <<= up;
    wide_t top = (wide_t)w * by->high + ((wide_t)w * by->low >> 64);
    int twice = !(top >> 127);
    top <<= twice; /* 2^127 <= top < 2^128, and now up to 4 too low */
    const uint64_t half = 1ull << 10;
    uint64_t high = (uint64_t)(top >> 64), rest = high & (2 * half - 1);
    /* of the 75 bits that are rounded away, those of the lower word decide only near the half and near the whole */
    if (rest == half || ((rest == half - 1 || rest == 2 * half - 1) && (uint64_t)top >= UINT64_MAX - 4)) return 0;
    uint64_t mantissa = (high >> 11) + (rest > half);
    /* top = w * 10^-k * 2^(up + shift + k + twice - 64), so 2^52 in the mantissa stands for 2^exponent */
    int exponent = 127 + 64 - up - by->shift - k - twice;
    uint64_t bits = ((uint64_t)(exponent + 1022) << 52) + mantissa; /* the mantissa's top bit adds 1 to the exponent */
    memcpy(value, &bits, sizeof bits);
    return 1;
}

/* Converts a number's text as CPython does. Returns whether that is a finite double. */
static int converted(const char *from, const char *to, double *value) {
    char text[LONGEST_TOKEN + 1];
    if (to - from > LONGEST_TOKEN) return 0;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = 0;
    *value = PyOS_string_to_double(text, NULL, NULL);
    if (*value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return isfinite(*value);
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether eight bytes are digits, and then the number that they are. Where the first byte of a word is not its lowest,
   that is never so, and digits are read one by one. */
static int eight_digits(const char *at, uint64_t *number) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t text;
    memcpy(&text, at, sizeof text);
    if ((((text + 0x4646464646464646ull) | (text - 0x3030303030303030ull)) & 0x8080808080808080ull) != 0) return 0;
    text -= 0x3030303030303030ull;
    text = 10 * text + (text >> 8); /* pairs, in every second byte */
    *number = ((text & 0x000000FF000000FFull) * 0x000F424000000064ull +
               (text >> 16 & 0x000000FF000000FFull) * 0x0000271000000001ull) >> 32;
    return 1;
#else
    (void)at, (void)number;
    return 0;
#endif
}

/* Reads digits on to a whole number, which is of no use after too many of them. Returns where they end. */
static const char *read_digits(const char *at, const char *end, uint64_t *number) {
    uint64_t digits = *number, more;
    while (end - at >= 8 && eight_digits(at, &more)) {
        digits = 100000000 * digits + (uint32_t)more;
        at += 8;
    }
    while (at < end && is_digit(*at)) digits = 10 * digits + (uint64_t)(*at++ - '0');
    *number = digits;
    return at;
}

/* Reads what follows an e. Returns where it ends, NULL if it is none or too large. */
static const char *read_exponent(const char *at, const char *end, int *exponent) {
    int negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || !is_digit(*at)) return NULL;
    for (*exponent = 0; at < end && is_digit(*at); at++) {
        *exponent = 10 * *exponent + (*at - '0');
        if (*exponent > LARGEST_EXPONENT) return NULL;
    }
    if (negative) *exponent = -*exponent;
    return at;
}

/* A number as it is written: where it lies, its digits as one whole number, how many they are from the first on that is
   no zero, and the power of ten that the whole number is multiplied by. */
typedef struct {
    const char *from, *to;
    int negative, whole, exponent;
    ptrdiff_t digits;
    uint64_t number;
} token_t;

/* Reads a number by the grammar of JSON. Returns whether there is one that is not too long. */
static int read_token(const char *from, const char *end, token_t *token) {
    int written = 0, negative = from < end && *from == '-';
    uint64_t number = 0;
    const char *first = from + negative, *at = read_digits(first, end, &number), *point = at;
    if (at == first || (*first == '0' && at - first > 1)) return 0;
    if (at < end && *at == '.') {
        at = read_digits(point + 1, end, &number);
        if (at == point + 1) return 0;
    }
    const char *last = at;
    if (at < end && (*at == 'e' || *at == 'E') && !(at = read_exponent(at + 1, end, &written))) return 0;
    if (at - from > LONGEST_TOKEN) return 0;
    int decimals = last > point ? (int)(last - point - 1) : 0;
    ptrdiff_t digits = last - first - (last > point);
    if (digits > MOST_DIGITS)
        for (const char *zero = first; zero < last && (*zero == '0' || *zero == '.'); zero++) digits -= *zero == '0';
    *token = (token_t){from, at, negative, at == point, written - decimals, digits, number};
    return 1;
}

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Whether w * 10^exponent could be rounded to the nearest double. */
static int scaled(uint64_t w, int exponent, double *value) {
    if (w <= EXACT_WHOLE && exponent >= -EXACT_POWER && exponent <= EXACT_POWER) {
        *value = exponent < 0 ? (double)w / POWERS[-exponent] : (double)w * POWERS[exponent];
        return 1;
    }
    if (w && exponent < 0 && exponent >= -SMALLEST_POWER) return scaled_down(w, -exponent, value);
    return 0;
}

/* Reads a number. Returns whether there is one that can be taken. */
static int read_number(reader_t *reader, double *value) {
    token_t token;
    if (!read_token(reader->at, reader->end, &token)) return 0;
    reader->at = token.to;
    int exact = token.digits <= MOST_DIGITS;
    if (reader->whole && !(token.whole && exact && token.number <= EXACT_WHOLE)) return 0;
    if (!exact || !scaled(token.number, token.exponent, value)) return converted(token.from, token.to, value);
    /* -0 is the whole number 0, which has no sign; -0.0 has one */
    if (token.negative && (token.number || !token.whole)) *value = -*value;
    return 1;
}

static void skip_blanks(reader_t *reader) {
    const char *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    reader->at = at;
}

/* Skips a mark and the blanks around it. Returns whether it is there. */
static int skip(reader_t *reader, char mark) {
    skip_blanks(reader);
    if (reader->at >= reader->end || *reader->at != mark) return 0;
    reader->at++;
    skip_blanks(reader);
    return 1;
}

static int keep(reader_t *reader, double value) {
    if (reader->count >= reader->most) return 0;
    if (reader->count == reader->room) {
        size_t room = reader->room ? 2 * reader->room : 1024;
        double *values = realloc(reader->values, room * sizeof *values);
        if (!values) return 0;
        reader->values = values;
        reader->room = room;
    }
    reader->values[reader->count++] = value;
    return 1;
}

/* Reads a list of one or more numbers. Returns whether there is one. */
static int read_list(reader_t *reader) {
    double value;
    if (!skip(reader, '[')) return 0;
    do
        if (!read_number(reader, &value) || !keep(reader, value)) return 0;
    while (skip(reader, ','));
    return skip(reader, ']');
}

/* Reads a list of one or more lists of so many numbers. Returns whether there is one. */
static int read_rows(reader_t *reader, size_t width) {
    if (!skip(reader, '[')) return 0;
    do {
        size_t before = reader->count;
        if (!read_list(reader) || reader->count - before != width) return 0;
    } while (skip(reader, ','));
    return skip(reader, ']');
}

static PyObject *handed_out(const reader_t *reader, const char *from) {
    Py_ssize_t size = (Py_ssize_t)(reader->count * sizeof *reader->values);
    PyObject *bytes = PyByteArray_FromStringAndSize((const char *)reader->values, size);
    return bytes ? Py_BuildValue("Nn", bytes, (Py_ssize_t)(reader->at - from)) : NULL;
}

/* json_numbers(text, start, width, most, whole): the numbers as the bytes of float64, and where the text goes on. */
static PyObject *module_json_numbers(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"text", "start", "width", "most", "whole", NULL};
    PyObject *text;
    Py_ssize_t start, width, most;
    int whole;
    Py_buffer view;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Onnnp:json_numbers", names, &text, &start, &width, &most, &whole))
        return NULL;
    if (PyObject_GetBuffer(text, &view, PyBUF_C_CONTIGUOUS)) return NULL;
    if (start < 0 || start > view.len || width < 0 || most < 0) {
        PyBuffer_Release(&view);
        return PyErr_Format(PyExc_ValueError, "start has to be from 0 to the text's length, the others at least 0");
    }
    const char *from = view.buf;
    reader_t reader = {from + start, from + view.len, whole, 0, (size_t)most, 0, NULL};
    int taken = width ? read_rows(&reader, (size_t)width) : read_list(&reader);
    PyObject *made = taken ? handed_out(&reader, from) : none();
    free(reader.values);
    PyBuffer_Release(&view);
    return made;
}

#endif
