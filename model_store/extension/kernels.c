/* The extension as Python sees it: the type Trees, which checks once all that walk.h relies on, the type Points (see
   points.h), functions that need the exact bits of the C library or one pass over an array, and one that reads numbers
   (see json_numbers.h). Arrays come as buffers; nothing of NumPy is used. */

#include <math.h>
#include <stdlib.h>

#include "abi3.h"
#include "buffers.h"
#include "json_numbers.h"
#include "points.h"
#include "walk.h"

#define WORTH_LETTING_OTHERS_RUN 8192 /* values or steps, from which on the interpreter's lock is given away */

typedef struct {
    PyObject_HEAD
    trees_t trees;
    enum rows_dtype rows_dtype;
    Py_buffer nodes, starts, firsts, values, sets;
} TreesObject;

/* --- what is checked once */

static int wrong(const char *what, size_t place) {
    PyErr_Format(PyExc_ValueError, "%s (node or tree %zu)", what, place);
    return -1;
}

/* Whether starts are 0, then larger each time, then the number of nodes, and firsts are rows of values. */
static int check_starts(const trees_t *trees, Py_ssize_t nodes, Py_ssize_t values) {
    if (trees->starts[0] != 0 || trees->starts[trees->trees] != nodes) return wrong("the trees are not all nodes", 0);
    for (size_t tree = 0; tree < trees->trees; tree++) {
        if (trees->starts[tree + 1] <= trees->starts[tree]) return wrong("first nodes are out of order", tree);
        if (trees->firsts[tree] < 0 || trees->firsts[tree] >= values) return wrong("a first value is not there", tree);
    }
    return 0;
}

/* One node: a leaf has itself for a child and a row of values; any other has two children behind it, and a feature. */
static int check_node(uint64_t child, uint64_t at, uint64_t nodes, uint64_t feature, uint64_t features, int is_nan,
                      int missing_left, int categorical, uint64_t number, uint64_t values, uint64_t sets) {
    if (feature >= features) return wrong("a node's feature is not one of the rows'", at);
    if (child == at) {
        if (!is_nan || !missing_left || categorical) return wrong("a leaf is not marked as one", at);
        if (number >= values) return wrong("a leaf has values that are not there", at);
        return 0;
    }
    if (child <= at || child + 1 >= nodes) return wrong("a node's children are not behind it in its tree", at);
    if (is_nan != categorical) return wrong("a node's threshold is not a number", at);
    if (categorical && number >= sets) return wrong("a node has a set of categories that is not there", at);
    return 0;
}

/* Takes a checked node into account: `steps` has for each node the most steps that lead to it, 0 until one is known. */
static void deepen(uint32_t *steps, uint64_t at, uint64_t child, uint32_t *depth) {
    if (steps[at] > *depth) *depth = steps[at];
    if (child == at) return;
    for (uint64_t each = child; each <= child + 1; each++)
        if (steps[each] <= steps[at]) steps[each] = steps[at] + 1;
}

static int check_narrow(const trees_t *trees, size_t tree, uint64_t values, uint64_t sets, uint32_t *steps) {
    const narrow_node *nodes = (const narrow_node *)trees->nodes + trees->starts[tree];
    uint64_t count = (uint64_t)(trees->starts[tree + 1] - trees->starts[tree]);
    for (uint64_t at = 0; at < count; at++) {
        const narrow_node *node = nodes + at;
        if (check_node(node->link & NARROW_CHILD, at, count, node->link >> NARROW_FEATURE, trees->features,
                       node->threshold != node->threshold, !!(node->link & NARROW_MISSING_LEFT), 0,
                       narrow_number(node), values, sets))
            return -1;
        deepen(steps, at, node->link & NARROW_CHILD, trees->depths + tree);
    }
    return 0;
}

static int check_wide(const trees_t *trees, size_t tree, uint64_t values, uint64_t sets, uint32_t *steps) {
    const wide_node *nodes = (const wide_node *)trees->nodes + trees->starts[tree];
    uint64_t count = (uint64_t)(trees->starts[tree + 1] - trees->starts[tree]);
    for (uint64_t at = 0; at < count; at++) {
        const wide_node *node = nodes + at;
        if (check_node(node->child, at, count, node->link & WIDE_FEATURE, trees->features,
                       node->threshold != node->threshold, !!(node->link & WIDE_MISSING_LEFT),
                       !!(node->link & WIDE_CATEGORICAL), wide_number(node), values, sets))
            return -1;
        deepen(steps, at, node->child, trees->depths + tree);
    }
    return 0;
}

static int check_tree(const TreesObject *self, size_t tree) {
    const trees_t *trees = &self->trees;
    uint64_t values = (uint64_t)(self->values.shape[0] - trees->firsts[tree]), sets = (uint64_t)self->sets.shape[0];
    uint32_t *steps = calloc((size_t)(trees->starts[tree + 1] - trees->starts[tree]), sizeof *steps);
    if (!steps) {
        PyErr_NoMemory();
        return -1;
    }
    int failed = (trees->wide ? check_wide : check_narrow)(trees, tree, values, sets, steps);
    free(steps);
    return failed;
}

static int check(TreesObject *self) {
    trees_t *trees = &self->trees;
    if (check_starts(trees, self->nodes.shape[0], self->values.shape[0])) return -1;
    trees->depths = calloc(trees->trees, sizeof *trees->depths);
    if (!trees->depths) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t tree = 0; tree < trees->trees; tree++)
        if (check_tree(self, tree)) return -1;
    return 0;
}

/* --- Trees */

static int check_shapes(const TreesObject *self, Py_ssize_t features, Py_ssize_t columns) {
    const char *expected = NULL;
    Py_ssize_t words = self->nodes.shape[1], width = self->values.shape[1];
    if (words != 1 && words != 2) expected = "nodes have one word each or two";
    else if (words == 1 && self->rows_dtype != FLOAT32) expected = "nodes of one word are for rows of float32";
    else if (!is_of(&self->values, 'f', 4) && !is_of(&self->values, 'f', 8)) expected = "values are float32 or float64";
    else if (!self->values.readonly) expected = "values are read-only";
    else if (self->starts.shape[0] < 2) expected = "there is at least one tree";
    else if (self->firsts.shape[0] != self->starts.shape[0] - 1) expected = "each tree has a first node and value";
    else if (self->values.shape[0] > INT32_MAX) expected = "there are fewer than 2147483648 rows of values";
    else if (self->sets.shape[1] != 4) expected = "a set of categories has four words";
    else if (self->sets.shape[0] && (words != 2 || self->rows_dtype != FLOAT64))
        expected = "categories are for nodes of two words and rows of float64";
    else if (features < 1 || features > (Py_ssize_t)WIDE_FEATURE) expected = "there are features";
    else if (columns < 1) expected = "there are columns";
    else if (width != columns && width != 1) expected = "a row of values has one, or one for each column";
    if (!expected) return 0;
    PyErr_Format(PyExc_ValueError, "these are no trees that can be walked: expected that %s", expected);
    return -1;
}

static void fill(TreesObject *self, Py_ssize_t features, Py_ssize_t columns) {
    trees_t *trees = &self->trees;
    trees->nodes = self->nodes.buf;
    trees->wide = self->nodes.shape[1] == 2;
    trees->starts = self->starts.buf;
    trees->firsts = self->firsts.buf;
    trees->sets = self->sets.buf;
    trees->categorical = self->sets.shape[0] > 0;
    trees->values = self->values.buf;
    trees->values_dtype = self->values.itemsize == 4 ? FLOAT32 : FLOAT64;
    trees->width = (size_t)self->values.shape[1];
    trees->trees = (size_t)self->starts.shape[0] - 1;
    trees->features = (size_t)features;
    trees->columns = (size_t)columns;
}

static PyObject *trees_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"nodes", "starts", "firsts", "values", "sets", "features", "columns", "float64", NULL};
    PyObject *nodes, *starts, *firsts, *values, *sets;
    Py_ssize_t features, columns;
    int float64;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOnnp:Trees", names, &nodes, &starts, &firsts, &values, &sets,
                                     &features, &columns, &float64))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    TreesObject *self = (TreesObject *)alloc(type, 0); /* all zero: a view that holds nothing may be released */
    if (!self) return NULL;
    self->rows_dtype = float64 ? FLOAT64 : FLOAT32;
    if (view_of_fixed(nodes, &self->nodes, "nodes", 2, 'u', 8) ||
        view_of_fixed(starts, &self->starts, "starts", 1, 'i', 8) ||
        view_of_fixed(firsts, &self->firsts, "firsts", 1, 'i', 8) ||
        view_of(values, &self->values, "values", 2, 0) || view_of_fixed(sets, &self->sets, "sets", 2, 'u', 8) ||
        check_shapes(self, features, columns)) {
        Py_DecRef((PyObject *)self);
        return NULL;
    }
    fill(self, features, columns);
    if (check(self)) {
        Py_DecRef((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

static void trees_dealloc(PyObject *object) {
    TreesObject *self = (TreesObject *)object;
    Py_buffer *views[] = {&self->nodes, &self->starts, &self->firsts, &self->values, &self->sets};
    free(self->trees.depths);
    let_go(object, views, sizeof views / sizeof *views);
}

static int check_call(const TreesObject *self, const Py_buffer *rows, const Py_buffer *out, Py_ssize_t across,
                      int out_is_right) {
    if (!is_of(rows, 'f', self->rows_dtype == FLOAT64 ? 8 : 4))
        PyErr_Format(PyExc_ValueError, "rows have to be float%d", self->rows_dtype == FLOAT64 ? 64 : 32);
    else if (rows->shape[1] != (Py_ssize_t)self->trees.features)
        PyErr_Format(PyExc_ValueError, "rows have %zd columns, the trees were fitted on %zu", rows->shape[1],
                     self->trees.features);
    else if (!out_is_right)
        PyErr_SetString(PyExc_ValueError, "out has another dtype than what is asked for");
    else if (out->shape[0] != rows->shape[0] || out->shape[1] != across)
        PyErr_Format(PyExc_ValueError, "out has to be of shape (%zd, %zd), not (%zd, %zd)", rows->shape[0], across,
                     out->shape[0], out->shape[1]);
    else
        return 0;
    return -1;
}

static void run(const job_t *job) {
    if (job->n < WORTH_LETTING_OTHERS_RUN / 8 && job->n * job->trees->trees < WORTH_LETTING_OTHERS_RUN) {
        walk(job);
        return;
    }
    PyThreadState *state = PyEval_SaveThread();
    walk(job);
    PyEval_RestoreThread(state);
}

static PyObject *trees_run(TreesObject *self, PyObject *const *args, Py_ssize_t count, int leaves) {
    Py_buffer rows, out;
    if (count != 2) return PyErr_Format(PyExc_TypeError, "expected rows and out, got %zd arguments", count);
    if (view_of(args[0], &rows, "rows", 2, 0)) return NULL;
    if (view_of(args[1], &out, "out", 2, 1)) {
        PyBuffer_Release(&rows);
        return NULL;
    }
    int wide_values = self->trees.values_dtype == FLOAT64;
    int right = leaves ? is_of(&out, 'i', 4) : is_of(&out, 'f', 8) || (is_of(&out, 'f', 4) && !wide_values);
    size_t across = leaves ? self->trees.trees : self->trees.columns;
    int failed = check_call(self, &rows, &out, (Py_ssize_t)across, right);
    if (!failed) {
        job_t job = {&self->trees, rows.buf, self->rows_dtype, (size_t)rows.shape[0], out.buf,
                     out.itemsize == 4 ? FLOAT32 : FLOAT64, leaves};
        run(&job);
    }
    PyBuffer_Release(&rows);
    PyBuffer_Release(&out);
    return failed ? NULL : none();
}

static PyObject *trees_sum(TreesObject *self, PyObject *const *args, Py_ssize_t count) {
    return trees_run(self, args, count, 0);
}

static PyObject *trees_leaves(TreesObject *self, PyObject *const *args, Py_ssize_t count) {
    return trees_run(self, args, count, 1);
}

static PyMethodDef trees_methods[] = {
    {"sum", (PyCFunction)(void (*)(void))trees_sum, METH_FASTCALL, "sum(rows, out): add each tree's values to out."},
    {"leaves", (PyCFunction)(void (*)(void))trees_leaves, METH_FASTCALL, "leaves(rows, out): write rows of values."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot trees_slots[] = {
    {Py_tp_new, trees_new},
    {Py_tp_dealloc, trees_dealloc},
    {Py_tp_methods, trees_methods},
    {Py_tp_doc, "Trees(nodes, starts, firsts, values, sets, features, columns, float64)"},
    {0, NULL},
};

static PyType_Spec trees_spec = {"model_store.extension.kernels.Trees", sizeof(TreesObject), 0, Py_TPFLAGS_DEFAULT,
                                 trees_slots};

/* --- element by element */

#define APPLY(name, float_t, expression)                                                                               \
    static void name(const void *values, void *results, size_t count) {                                                \
        const float_t *from = values;                                                                                  \
        float_t *to = results;                                                                                         \
        for (size_t i = 0; i < count; i++) {                                                                           \
            float_t x = from[i];                                                                                       \
            to[i] = expression;                                                                                        \
        }                                                                                                              \
    }
APPLY(exp_float32, float, expf(x))
APPLY(exp_float64, double, exp(x))
APPLY(expit_float32, float, 1 / (1 + expf(-x)))
APPLY(expit_float64, double, 1 / (1 + exp(-x)))

typedef void (*apply_t)(const void *, void *, size_t);

static PyObject *apply(PyObject *const *args, Py_ssize_t count, apply_t float32, apply_t float64) {
    Py_buffer values, results;
    if (count != 2) return PyErr_Format(PyExc_TypeError, "expected values and out, got %zd arguments", count);
    if (PyObject_GetBuffer(args[0], &values, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) return NULL;
    if (PyObject_GetBuffer(args[1], &results, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | PyBUF_WRITABLE)) {
        PyBuffer_Release(&values);
        return NULL;
    }
    Py_ssize_t size = values.itemsize;
    int right = (size == 4 || size == 8) && is_of(&values, 'f', size) && is_of(&results, 'f', size) &&
                values.len == results.len && is_aligned(&values) && is_aligned(&results);
    if (right) (size == 4 ? float32 : float64)(values.buf, results.buf, (size_t)(values.len / size));
    PyBuffer_Release(&values);
    PyBuffer_Release(&results);
    if (right) return none();
    PyErr_SetString(PyExc_ValueError, "values and out have to be aligned, of one size, and both float32 or float64");
    return NULL;
}

static PyObject *module_exp(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return apply(args, count, exp_float32, exp_float64);
}

static PyObject *module_expit(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return apply(args, count, expit_float32, expit_float64);
}

typedef int (*any_t)(const void *, size_t);

static PyObject *none_is(PyObject *array, any_t float32, any_t float64) {
    Py_buffer values;
    int found = 1, right;
    if (PyObject_GetBuffer(array, &values, PyBUF_ANY_CONTIGUOUS | PyBUF_FORMAT)) return NULL;
    Py_ssize_t size = values.itemsize;
    right = (size == 4 || size == 8) && is_of(&values, 'f', size) && is_aligned(&values);
    if (right) found = (size == 4 ? float32 : float64)(values.buf, (size_t)(values.len / size));
    PyBuffer_Release(&values);
    if (right) return PyBool_FromLong(!found);
    PyErr_SetString(PyExc_ValueError, "values have to be an aligned array of float32 or float64");
    return NULL;
}

static PyObject *module_all_finite(PyObject *module, PyObject *array) {
    (void)module;
    return none_is(array, any_special_float32, any_special_float64);
}

static PyObject *module_none_infinite(PyObject *module, PyObject *array) {
    (void)module;
    return none_is(array, any_infinite_float32, any_infinite_float64);
}

/* --- the module */

static PyMethodDef methods[] = {
    {"exp", (PyCFunction)(void (*)(void))module_exp, METH_FASTCALL, "exp(values, out): the C library's exp."},
    {"expit", (PyCFunction)(void (*)(void))module_expit, METH_FASTCALL, "expit(values, out): 1 / (1 + exp(-x))."},
    {"all_finite", module_all_finite, METH_O, "all_finite(values): whether no value is NaN or infinite."},
    {"none_infinite", module_none_infinite, METH_O, "none_infinite(values): whether no value is infinite."},
    {"json_numbers", (PyCFunction)(void (*)(void))module_json_numbers, METH_VARARGS | METH_KEYWORDS,
     "json_numbers(text, start, width, most, whole): bytes of float64 and where the text goes on, or None."},
    {NULL, NULL, 0, NULL},
};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    if (!type) return -1;
    int failed = PyModule_AddObjectRef(module, name, type);
    Py_DecRef((PyObject *)type);
    return failed;
}

static int execute(PyObject *module) {
    fill_reciprocals();
    return add_type(module, "Trees", &trees_spec) || add_type(module, "Points", &points_spec) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "kernels", "Kernels of trees, neighbours and numbers.", 0, methods, slots,
                                 NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_kernels(void) { return PyModuleDef_Init(&definition); }
