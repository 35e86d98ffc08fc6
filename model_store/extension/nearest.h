/* Finds the nearest of many points, as scikit-learn's KDTree and BallTree do: depth first, the nearer child first. No
   Python here: points.h checks everything first, and only then calls search().

   Which of several equally distant points is among the nearest is decided by the order in which they are met, and so
   are the places that they take: so every comparison here is the one of scikit-learn, and so is every sum.

   Node i has the children 2 i + 1 and 2 i + 2. Points lie in the order of the leaves. A distance is "reduced" where
   the last function of it, a root, was left out: that changes no order. */

#ifndef MILLRACE_NEAREST_H
#define MILLRACE_NEAREST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define ABREAST 8 /* so many distances are summed at once, each in the order of the columns */
#define SHORT 15  /* so many numbers are sorted by insertion */

enum metric { EUCLIDEAN, MANHATTAN, CHEBYSHEV, MINKOWSKI, METRICS };

typedef struct {
    const double *points;   /* count rows of `features` numbers */
    const int64_t *ranges;  /* for each node the first of its points and the one behind the last; -1 if it is no leaf */
    const double *bounds;   /* boxes: all lower corners, then all upper ones; balls: their centres */
    const double *radii;    /* of balls */
    size_t count, features, nodes;
    int boxes;
    enum metric metric;
    double power;  /* of MINKOWSKI */
    int64_t first; /* the place that stands where no point is near enough */
} points_t;

/* What has been found for one row: a heap, the farthest on top. */
typedef struct {
    const points_t *points;
    const double *row;
    double *distances;
    int64_t *places;
    size_t k;
} found_t;

static inline double larger(double a, double b) { return b > a ? b : a; } /* a if b is NaN, as fmax */

static inline double raised(double x, double power) { return x == 0 ? 0 : power == 1 ? x : pow(x, power); }

/* Defines `name`, which writes the reduced distances of a row and so many points next to each other. */
#define REDUCED(name, term)                                                                                            \
    static inline void name##_some(const points_t *all, const double *row, const double *points, double *out,          \
                                   int some) {                                                                         \
        double sums[ABREAST] = {0};                                                                                    \
        for (size_t j = 0; j < all->features; j++)                                                                     \
            for (int i = 0; i < some; i++) {                                                                           \
                double sum = sums[i], d = row[j] - points[(size_t)i * all->features + j];                              \
                sums[i] = term;                                                                                        \
            }                                                                                                          \
        for (int i = 0; i < some; i++) out[i] = sums[i];                                                               \
    }                                                                                                                  \
    static void name(const points_t *all, const double *row, const double *points, double *out, int some) {            \
        if (some == ABREAST) name##_some(all, row, points, out, ABREAST);                                              \
        else name##_some(all, row, points, out, some);                                                                 \
    }
REDUCED(euclidean, sum + d * d)
REDUCED(manhattan, sum + fabs(d))
REDUCED(chebyshev, larger(sum, fabs(d)))
REDUCED(minkowski, sum + raised(fabs(d), all->power))

static void reduced(const points_t *all, const double *row, const double *points, double *out, int some) {
    switch (all->metric) {
    case EUCLIDEAN: euclidean(all, row, points, out, some); break;
    case MANHATTAN: manhattan(all, row, points, out, some); break;
    case CHEBYSHEV: chebyshev(all, row, points, out, some); break;
    default: minkowski(all, row, points, out, some);
    }
}

/* --- the least reduced distance of a row and whatever is in a node */

static double to_box(const points_t *all, const double *row, size_t node) {
    const double *low = all->bounds + node * all->features, *high = low + all->nodes * all->features;
    double power = all->metric == EUCLIDEAN ? 2 : all->metric == MANHATTAN ? 1 : all->power, least = 0;
    for (size_t j = 0; j < all->features; j++) {
        double below = low[j] - row[j], above = row[j] - high[j];
        double outside = 0.5 * ((below + fabs(below)) + (above + fabs(above)));
        least = all->metric == CHEBYSHEV ? larger(least, outside) : least + raised(outside, power);
    }
    return least;
}

static double to_ball(const points_t *all, const double *row, size_t node) {
    double least;
    reduced(all, row, all->bounds + node * all->features, &least, 1);
    if (all->metric == EUCLIDEAN) least = sqrt(least);
    if (all->metric == MINKOWSKI) least = pow(least, 1 / all->power);
    least = larger(0, least - all->radii[node]);
    if (all->metric == EUCLIDEAN) return least * least;
    return all->metric == MINKOWSKI ? raised(least, all->power) : least;
}

static double to_node(const points_t *all, const double *row, size_t node) {
    return all->boxes ? to_box(all, row, node) : to_ball(all, row, node);
}

/* --- the heap */

/* Puts a point into the place of the farthest, if it is nearer than that. */
static void push(found_t *found, double distance, int64_t place) {
    double *distances = found->distances;
    if (distance >= distances[0]) return;
    size_t at = 0, child;
    for (; (child = 2 * at + 1) < found->k; at = child) {
        if (child + 1 < found->k && !(distances[child] >= distances[child + 1])) child++;
        if (!(distance < distances[child])) break;
        distances[at] = distances[child];
        found->places[at] = found->places[child];
    }
    distances[at] = distance;
    found->places[at] = place;
}

static void visit_leaf(found_t *found, int64_t start, int64_t stop) {
    const points_t *all = found->points;
    double distances[ABREAST];
    while (start < stop) {
        int some = stop - start < ABREAST ? (int)(stop - start) : ABREAST;
        reduced(all, found->row, all->points + (size_t)start * all->features, distances, some);
        for (int i = 0; i < some; i++) push(found, distances[i], start + i);
        start += some;
    }
}

static void visit(found_t *found, size_t node, double least) {
    const points_t *all = found->points;
    if (least > found->distances[0]) return;
    if (all->ranges[2 * node] >= 0) {
        visit_leaf(found, all->ranges[2 * node], all->ranges[2 * node + 1]);
        return;
    }
    size_t one = 2 * node + 1, other = one + 1;
    double to_one = to_node(all, found->row, one), to_other = to_node(all, found->row, other);
    if (to_one <= to_other) {
        visit(found, one, to_one);
        visit(found, other, to_other);
    } else {
        visit(found, other, to_other);
        visit(found, one, to_one);
    }
}

/* --- sorting distances and places together: an introsort that takes the median of three, in the same steps as
   scikit-learn's, because equal distances are left in an order that depends on these */

static void swap(double *distances, int64_t *places, size_t a, size_t b) {
    double distance = distances[a];
    int64_t place = places[a];
    distances[a] = distances[b], places[a] = places[b];
    distances[b] = distance, places[b] = place;
}

static void insert(double *distances, int64_t *places, size_t count) {
    for (size_t next = 1; next < count; next++) {
        double distance = distances[next];
        int64_t place = places[next];
        size_t at = next;
        for (; at > 0 && distances[at - 1] > distance; at--)
            distances[at] = distances[at - 1], places[at] = places[at - 1];
        distances[at] = distance, places[at] = place;
    }
}

static void sink(double *distances, int64_t *places, size_t root, size_t count) {
    for (;;) {
        size_t child = 2 * root + 1, most = root;
        if (child < count && distances[most] < distances[child]) most = child;
        if (child + 1 < count && distances[most] < distances[child + 1]) most = child + 1;
        if (most == root) return;
        swap(distances, places, root, most);
        root = most;
    }
}

static void sort_as_heap(double *distances, int64_t *places, size_t count) {
    for (size_t root = (count - 2) / 2 + 1; root-- > 0;) sink(distances, places, root, count);
    for (size_t end = count - 1; end > 0; end--) {
        swap(distances, places, 0, end);
        sink(distances, places, 0, end);
    }
}

/* Moves the median of the first, the middle and the last to the end, and the least of them to the front. */
static void take_median(double *distances, int64_t *places, size_t count) {
    size_t middle = count / 2, last = count - 1;
    if (distances[0] > distances[last]) swap(distances, places, 0, last);
    if (distances[last] > distances[middle]) {
        swap(distances, places, last, middle);
        if (distances[0] > distances[last]) swap(distances, places, 0, last);
    }
}

static size_t divide(double *distances, int64_t *places, size_t count) {
    double pivot = distances[count - 1];
    size_t low = 1, high = count - 2;
    for (;; low++, high--) {
        while (low <= high && distances[low] < pivot) low++;
        while (low <= high && distances[high] > pivot) high--;
        if (low >= high) break;
        swap(distances, places, low, high);
    }
    swap(distances, places, low, count - 1);
    return low;
}

static void sort(double *distances, int64_t *places, size_t count, int depth) {
    for (; count > SHORT; depth--) {
        if (depth <= 0) {
            sort_as_heap(distances, places, count);
            return;
        }
        take_median(distances, places, count);
        size_t middle = divide(distances, places, count);
        sort(distances, places, middle, depth - 1);
        distances += middle + 1, places += middle + 1, count -= middle + 1;
    }
    insert(distances, places, count);
}

/* Writes the reduced distances and places of the k nearest points of each of n rows, the nearest first. */
static void search(const points_t *all, const double *rows, size_t n, double *distances, int64_t *places, size_t k) {
    int depth = 0;
    for (size_t rest = k; rest > 1; rest /= 2) depth += 2;
    for (size_t i = 0; i < n; i++) {
        found_t found = {all, rows + i * all->features, distances + i * k, places + i * k, k};
        for (size_t j = 0; j < k; j++) found.distances[j] = INFINITY, found.places[j] = all->first;
        visit(&found, 0, to_node(all, found.row, 0));
        sort(found.distances, found.places, k, depth);
    }
}

#endif
