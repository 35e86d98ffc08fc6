/* The type Points as Python sees it: it checks once all that nearest.h relies on. */

#ifndef MILLRACE_POINTS_H
#define MILLRACE_POINTS_H

#include "buffers.h"
#include "nearest.h"

typedef struct {
    PyObject_HEAD
    points_t points;
    Py_buffer arrays, ranges, bounds, radii;
} PointsObject;

static int check_points(const PointsObject *self, int metric, double power, Py_ssize_t first) {
    const char *expected = NULL;
    Py_ssize_t nodes = self->ranges.shape[0], boxes = self->bounds.shape[0];
    if (self->arrays.shape[0] < 1 || self->arrays.shape[1] < 1) expected = "there are points, which have columns";
    else if (nodes < 1 || self->ranges.shape[1] != 2) expected = "there are nodes, of two numbers each";
    else if (boxes != 1 && boxes != 2) expected = "nodes have a centre or two corners";
    else if (self->bounds.shape[1] != nodes || self->bounds.shape[2] != self->arrays.shape[1])
        expected = "each node has bounds, of as many columns as points";
    else if (self->radii.shape[0] != (boxes == 1 ? nodes : 0)) expected = "balls have radii, and boxes have none";
    else if (metric < 0 || metric >= METRICS) expected = "the metric is a known one";
    else if (!(power > 0) || power - power != 0) expected = "the power is a positive number";
    else if (first < 0 || first >= self->arrays.shape[0]) expected = "the first place is one of the points";
    if (!expected) return 0;
    PyErr_Format(PyExc_ValueError, "these are no points that can be searched: expected that %s", expected);
    return -1;
}

/* Whether each node is a leaf of points that are there, or has two children that are there. */
static int check_ranges(const points_t *points) {
    for (size_t node = 0; node < points->nodes; node++) {
        int64_t start = points->ranges[2 * node], stop = points->ranges[2 * node + 1];
        if (start < 0 ? 2 * node + 2 < points->nodes : start <= stop && stop <= (int64_t)points->count) continue;
        PyErr_Format(PyExc_ValueError, "a node has children or points that are not there (node %zu)", node);
        return -1;
    }
    return 0;
}

static void fill_points(PointsObject *self, int metric, double power, Py_ssize_t first) {
    points_t *points = &self->points;
    points->points = self->arrays.buf;
    points->ranges = self->ranges.buf;
    points->bounds = self->bounds.buf;
    points->radii = self->radii.buf;
    points->count = (size_t)self->arrays.shape[0];
    points->features = (size_t)self->arrays.shape[1];
    points->nodes = (size_t)self->ranges.shape[0];
    points->boxes = self->bounds.shape[0] == 2;
    points->metric = (enum metric)metric;
    points->power = power;
    points->first = first;
}

static PyObject *points_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"points", "ranges", "bounds", "radii", "metric", "power", "first", NULL};
    PyObject *points, *ranges, *bounds, *radii;
    int metric;
    double power;
    Py_ssize_t first;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOidn:Points", names, &points, &ranges, &bounds, &radii, &metric,
                                     &power, &first))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PointsObject *self = (PointsObject *)alloc(type, 0); /* all zero: a view that holds nothing may be released */
    if (!self) return NULL;
    int failed = view_of_doubles(points, &self->arrays, "points", 2) ||
                 view_of_fixed(ranges, &self->ranges, "ranges", 2, 'i', 8) ||
                 view_of_doubles(bounds, &self->bounds, "bounds", 3) ||
                 view_of_doubles(radii, &self->radii, "radii", 1) || check_points(self, metric, power, first);
    if (!failed) {
        fill_points(self, metric, power, first);
        failed = check_ranges(&self->points);
    }
    if (!failed) return (PyObject *)self;
    Py_DecRef((PyObject *)self);
    return NULL;
}

static void points_dealloc(PyObject *object) {
    PointsObject *self = (PointsObject *)object;
    Py_buffer *views[] = {&self->arrays, &self->ranges, &self->bounds, &self->radii};
    let_go(object, views, sizeof views / sizeof *views);
}

static int check_search(const points_t *points, const Py_buffer *rows, const Py_buffer *distances,
                        const Py_buffer *places) {
    Py_ssize_t k = distances->shape[1];
    if (!is_of(rows, 'f', 8) || rows->shape[1] != (Py_ssize_t)points->features)
        PyErr_Format(PyExc_ValueError, "rows have to be float64, of %zu columns", points->features);
    else if (!is_of(distances, 'f', 8) || !is_of(places, 'i', 8))
        PyErr_SetString(PyExc_ValueError, "distances have to be float64, and places int64");
    else if (distances->shape[0] != rows->shape[0] || places->shape[0] != rows->shape[0] || places->shape[1] != k)
        PyErr_Format(PyExc_ValueError, "distances and places have to have %zd rows and equal columns", rows->shape[0]);
    else if (k < 1 || k > (Py_ssize_t)points->count)
        PyErr_Format(PyExc_ValueError, "there are %zu points, and %zd are asked for", points->count, k);
    else
        return 0;
    return -1;
}

static PyObject *points_search(PointsObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_buffer views[3];
    static const char *const names[] = {"rows", "distances", "places"};
    if (count != 3) return PyErr_Format(PyExc_TypeError, "expected rows, distances and places, got %zd", count);
    for (int i = 0; i < 3; i++)
        if (view_of(args[i], views + i, names[i], 2, i > 0)) {
            while (i-- > 0) PyBuffer_Release(views + i);
            return NULL;
        }
    int failed = check_search(&self->points, views, views + 1, views + 2);
    if (!failed) {
        PyThreadState *state = PyEval_SaveThread();
        search(&self->points, views[0].buf, (size_t)views[0].shape[0], views[1].buf, views[2].buf,
               (size_t)views[1].shape[1]);
        PyEval_RestoreThread(state);
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(views + i);
    return failed ? NULL : none();
}

static PyMethodDef points_methods[] = {
    {"search", (PyCFunction)(void (*)(void))points_search, METH_FASTCALL,
     "search(rows, distances, places): write the nearest points, the nearest first."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot points_slots[] = {
    {Py_tp_new, points_new},
    {Py_tp_dealloc, points_dealloc},
    {Py_tp_methods, points_methods},
    {Py_tp_doc, "Points(points, ranges, bounds, radii, metric, power, first)"},
    {0, NULL},
};

static PyType_Spec points_spec = {"model_store.extension.kernels.Points", sizeof(PointsObject), 0, Py_TPFLAGS_DEFAULT,
                                  points_slots};

#endif
