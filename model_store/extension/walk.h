/* Walks rows down a set of trees. No Python here: kernels.c checks everything first, and only then calls walk().

   A tree's nodes lie in one array, siblings next to each other, children after their parent. A step is the child's
   place plus one where the row goes right, without a branch. A leaf is its own child, so that lanes in lockstep may
   step as often as the tree is deep, or until none of them moves. A leaf's threshold is a NaN, which no value is
   greater than, and that NaN's payload is the number of its row of values. The same way a node of categories carries
   the number of its set. */

#ifndef MILLRACE_WALK_H
#define MILLRACE_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define SHALLOW 16 /* so deep a tree is walked to its depth: looking whether a lane moved costs more than it spares */
#define NOT_INLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline)) /* so that lanes and flags are constants in each loop */
#define ROWS_AT_ONCE 1024 /* at most so many rows go through one tree before the next tree */
#define BYTES_AT_ONCE (256 * 1024)

typedef struct {
    float threshold;
    uint32_t link; /* child: 22 bits; missing values go left: 1 bit; feature: 9 bits */
} narrow_node;

typedef struct {
    double threshold;
    uint32_t child;
    uint32_t link; /* feature: 30 bits; by category: 1 bit; missing values go left: 1 bit */
} wide_node;

#define NARROW_CHILD 0x3fffffu
#define NARROW_MISSING_LEFT 0x400000u
#define NARROW_FEATURE 23
#define NARROW_NUMBER 0x3fffffu /* the payload of a NaN in 32 bits */

#define WIDE_FEATURE 0x3fffffffu
#define WIDE_CATEGORICAL 0x40000000u
#define WIDE_MISSING_LEFT 0x80000000u

#define MISSING_CATEGORY 255 /* also of values that are no whole number from 0 to 254 */

enum rows_dtype { FLOAT32, FLOAT64 };

typedef struct {
    const void *nodes;
    int wide;
    const int64_t *starts;  /* the first node of each tree; one more than there are trees */
    const int64_t *firsts;  /* for each tree the row of values that its leaves' numbers are counted from */
    uint32_t *depths;       /* for each tree how many steps lead to its deepest leaf */
    const uint64_t *sets;   /* four words each: bit c is set if category c goes right; 255: missing */
    const void *values;     /* rows of `width` numbers */
    enum rows_dtype values_dtype;
    size_t width;
    int categorical;
    size_t trees, features, columns;
} trees_t;

typedef struct {
    const trees_t *trees;
    const void *rows; /* C-contiguous: n rows of `features` numbers */
    enum rows_dtype rows_dtype;
    size_t n;
    void *out; /* n rows of `columns` sums, or if `leaves` of a row of values for each tree */
    enum rows_dtype out_dtype;
    int leaves;
} job_t;

static ALWAYS_INLINE uint32_t narrow_number(const narrow_node *node) {
    uint32_t bits;
    memcpy(&bits, &node->threshold, sizeof bits);
    return bits & NARROW_NUMBER;
}

static ALWAYS_INLINE uint32_t wide_number(const wide_node *node) {
    uint64_t bits;
    memcpy(&bits, &node->threshold, sizeof bits);
    return (uint32_t)bits;
}

#define ADD(sum_t, value_t)                                                                                            \
    do {                                                                                                               \
        sum_t *to = (sum_t *)job->out + row * trees->columns + column;                                                 \
        const value_t *from = (const value_t *)trees->values + value * trees->width;                                   \
        for (size_t c = 0; c < trees->width; c++) to[c] += (sum_t)from[c];                                             \
    } while (0)

/* Takes in the leaves, by their numbers, that rows have reached in one tree, or one row in one tree after the other. */
static NOT_INLINE void reached(const job_t *job, size_t row, size_t tree, int by_tree, int lanes,
                               const uint32_t *numbers) {
    const trees_t *trees = job->trees;
    size_t column = trees->width == 1 && trees->columns > 1 ? tree % trees->columns : 0;
    for (int lane = 0; lane < lanes; lane++) {
        size_t value = (size_t)trees->firsts[tree] + numbers[lane];
        if (job->leaves) ((int32_t *)job->out)[row * trees->trees + tree] = (int32_t)value;
        else if (trees->values_dtype == FLOAT64) ADD(double, double);
        else if (job->out_dtype == FLOAT64) ADD(double, float);
        else ADD(float, float);
        if (!by_tree) row++;
        else if (tree++, trees->width == 1 && ++column == trees->columns) column = 0;
    }
}

/* Steps: from a node to the next. With `gaps` rows may hold NaN, which is greater than nothing: without a mark it goes
   left, and where a node says so, right. */

static ALWAYS_INLINE uint32_t narrow_step(const narrow_node *nodes, uint32_t at, const float *row,
                                          const uint64_t *sets, int gaps) {
    (void)sets;
    const narrow_node *node = nodes + at;
    float x = row[node->link >> NARROW_FEATURE];
    uint32_t right = x > node->threshold;
    if (gaps) right |= (uint32_t)(x != x) & (uint32_t)!(node->link & NARROW_MISSING_LEFT);
    return (node->link & NARROW_CHILD) + right;
}

#define WIDE_STEP(name, row_t)                                                                                         \
    static ALWAYS_INLINE uint32_t name(const wide_node *nodes, uint32_t at, const row_t *row, const uint64_t *sets,    \
                                       int gaps) {                                                                     \
        (void)sets;                                                                                                    \
        const wide_node *node = nodes + at;                                                                            \
        double x = row[node->link & WIDE_FEATURE];                                                                     \
        uint32_t right = x > node->threshold;                                                                          \
        if (gaps) right |= (uint32_t)(x != x) & (uint32_t)!(node->link & WIDE_MISSING_LEFT);                           \
        return node->child + right;                                                                                    \
    }
WIDE_STEP(wide_step_float32, float)
WIDE_STEP(wide_step_float64, double)

static ALWAYS_INLINE uint32_t categorical_step(const wide_node *nodes, uint32_t at, const double *row,
                                               const uint64_t *sets, int gaps) {
    const wide_node *node = nodes + at;
    double x = row[node->link & WIDE_FEATURE];
    if (!(node->link & WIDE_CATEGORICAL)) return wide_step_float64(nodes, at, row, sets, gaps);
    uint32_t category = x >= 0 && x < MISSING_CATEGORY ? (uint32_t)(int32_t)x : MISSING_CATEGORY;
    return node->child + (uint32_t)(sets[(size_t)wide_number(node) * 4 + category / 64] >> category % 64 & 1);
}

/* Defines `name`, which walks all rows of a job down all trees, for each row in the order of trees, so that sums are
   those of a plain loop. Sixteen rows go down one tree in lockstep; of what is left, one row down sixteen trees. */
#define WALK(name, node_t, row_t, step, number, gaps)                                                                  \
    static ALWAYS_INLINE void name##_lanes(const job_t *job, size_t first_row, size_t first_tree, int by_tree,         \
                                           int lanes) {                                                                \
        const trees_t *trees = job->trees;                                                                             \
        const node_t *nodes[LANES];                                                                                    \
        const row_t *rows[LANES];                                                                                      \
        uint32_t at[LANES] = {0}, moved, depth = 0;                                                                    \
        for (int lane = 0; lane < lanes; lane++) {                                                                     \
            size_t row = first_row + (by_tree ? 0 : (size_t)lane), tree = first_tree + (by_tree ? (size_t)lane : 0);   \
            nodes[lane] = (const node_t *)trees->nodes + trees->starts[tree];                                          \
            rows[lane] = (const row_t *)job->rows + row * trees->features;                                             \
            if (trees->depths[tree] > depth) depth = trees->depths[tree];                                              \
        }                                                                                                              \
        for (; depth && depth <= SHALLOW; depth--)                                                                     \
            for (int lane = 0; lane < lanes; lane++)                                                                   \
                at[lane] = step(by_tree ? nodes[lane] : nodes[0], at[lane], rows[lane], trees->sets, gaps);            \
        for (moved = depth; moved;) {                                                                                  \
            moved = 0;                                                                                                 \
            for (int lane = 0; lane < lanes; lane++) {                                                                 \
                uint32_t next = step(by_tree ? nodes[lane] : nodes[0], at[lane], rows[lane], trees->sets, gaps);       \
                moved |= next ^ at[lane];                                                                              \
                at[lane] = next;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int lane = 0; lane < lanes; lane++) at[lane] = number(nodes[lane] + at[lane]);                            \
        reached(job, first_row, first_tree, by_tree, lanes, at);                                                       \
    }                                                                                                                  \
    static void name(const job_t *job) {                                                                               \
        size_t full = job->n - job->n % LANES, trees = job->trees->trees;                                              \
        size_t block = BYTES_AT_ONCE / (job->trees->features * sizeof(row_t));                                         \
        block = block > ROWS_AT_ONCE ? ROWS_AT_ONCE : block < LANES ? LANES : block - block % LANES;                   \
        for (size_t start = 0; start < full; start += block) {                                                         \
            size_t stop = full - start < block ? full : start + block;                                                 \
            for (size_t tree = 0; tree < trees; tree++)                                                                \
                for (size_t row = start; row < stop; row += LANES) name##_lanes(job, row, tree, 0, LANES);             \
        }                                                                                                              \
        if (trees < job->n - full) {                                                                                   \
            for (size_t tree = 0; tree < trees; tree++) name##_lanes(job, full, tree, 0, (int)(job->n - full));        \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t row = full; row < job->n; row++) {                                                                 \
            size_t tree = 0;                                                                                           \
            for (; tree + LANES <= trees; tree += LANES) name##_lanes(job, row, tree, 1, LANES);                       \
            if (tree < trees) name##_lanes(job, row, tree, 1, (int)(trees - tree));                                    \
        }                                                                                                              \
    }

WALK(narrow_plain, narrow_node, float, narrow_step, narrow_number, 0)
WALK(narrow_gaps, narrow_node, float, narrow_step, narrow_number, 1)
WALK(wide_float32_plain, wide_node, float, wide_step_float32, wide_number, 0)
WALK(wide_float32_gaps, wide_node, float, wide_step_float32, wide_number, 1)
WALK(wide_float64_plain, wide_node, double, wide_step_float64, wide_number, 0)
WALK(wide_float64_gaps, wide_node, double, wide_step_float64, wide_number, 1)
WALK(categorical_gaps, wide_node, double, categorical_step, wide_number, 1)

/* Whether a value is NaN or infinite. Only then is x - x not the zero that has no bits, and that is quick to tell. */
#define ANY_SPECIAL(name, float_t, bits_t)                                                                             \
    static NOT_INLINE int name(const void *values, size_t count) {                                                     \
        const float_t *x = values;                                                                                     \
        for (size_t start = 0; start < count; start += 1024) {                                                         \
            size_t stop = count - start < 1024 ? count : start + 1024;                                                 \
            bits_t found = 0;                                                                                          \
            for (size_t i = start; i < stop; i++) {                                                                    \
                float_t zero = x[i] - x[i];                                                                            \
                bits_t bits;                                                                                           \
                memcpy(&bits, &zero, sizeof bits);                                                                     \
                found |= bits;                                                                                         \
            }                                                                                                          \
            if (found) return 1;                                                                                       \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
ANY_SPECIAL(any_special_float32, float, uint32_t)
ANY_SPECIAL(any_special_float64, double, uint64_t)

/* The same of NaN alone, and of the infinities alone. */
#define ANY(name, float_t, special, test)                                                                              \
    static int name(const void *values, size_t count) {                                                                \
        if (!special(values, count)) return 0;                                                                         \
        const float_t *all = values;                                                                                   \
        for (size_t i = 0; i < count; i++) {                                                                           \
            float_t x = all[i];                                                                                        \
            if (test) return 1;                                                                                        \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
ANY(any_nan_float32, float, any_special_float32, x != x)
ANY(any_nan_float64, double, any_special_float64, x != x)
ANY(any_infinite_float32, float, any_special_float32, x == x && x - x != 0)
ANY(any_infinite_float64, double, any_special_float64, x == x && x - x != 0)

/* Sums, or tells the leaves, as the job says. */
static void walk(const job_t *job) {
    const trees_t *trees = job->trees;
    size_t count = job->n * trees->features;
    if (job->rows_dtype == FLOAT32) {
        int gaps = any_nan_float32(job->rows, count);
        if (!trees->wide) (gaps ? narrow_gaps : narrow_plain)(job);
        else (gaps ? wide_float32_gaps : wide_float32_plain)(job);
    } else {
        int gaps = any_nan_float64(job->rows, count);
        if (trees->categorical) categorical_gaps(job);
        else (gaps ? wide_float64_gaps : wide_float64_plain)(job);
    }
}

#endif
