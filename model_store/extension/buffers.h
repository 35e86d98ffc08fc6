/* Arrays as the extension takes them: as buffers, whose dtype, layout and alignment are checked. */

#ifndef MILLRACE_BUFFERS_H
#define MILLRACE_BUFFERS_H

#include <string.h>

#include "abi3.h"

static PyObject *none(void) {
    Py_IncRef(Py_None);
    return Py_None;
}

/* Whether a buffer's items are of a kind: 'f' for floats, 'i' for signed and 'u' for unsigned whole numbers. */
static int is_of(const Py_buffer *view, char kind, Py_ssize_t size) {
    static const char *const formats[] = {"fd", "bhilqn", "BHILQN"};
    const char *format = view->format ? view->format : "B";
    if (*format == '@' || *format == '=') format++;
    const char *known = formats[kind == 'f' ? 0 : kind == 'i' ? 1 : 2];
    return *format && !format[1] && strchr(known, *format) && view->itemsize == size;
}

static int is_aligned(const Py_buffer *view) { return (uintptr_t)view->buf % (size_t)view->itemsize == 0; }

/* Fills a view of an array that must be C-contiguous. On failure an exception is set and the view holds nothing. */
static int view_of(PyObject *array, Py_buffer *view, const char *name, int ndim, int writable) {
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array, view, flags)) {
        PyErr_Format(PyExc_ValueError, "%s is not a%s C-contiguous array", name, writable ? " writable" : "");
        return -1;
    }
    if (view->ndim == ndim && view->itemsize > 0 && is_aligned(view)) return 0;
    PyErr_Format(PyExc_ValueError, "%s has to be an aligned array of %d dimensions, not of %d", name, ndim, view->ndim);
    PyBuffer_Release(view);
    return -1;
}

/* The same, of whole numbers that nobody may change as long as the trees are there. */
static int view_of_fixed(PyObject *array, Py_buffer *view, const char *name, int ndim, char kind, Py_ssize_t size) {
    if (view_of(array, view, name, ndim, 0)) return -1;
    if (view->readonly && is_of(view, kind, size)) return 0;
    if (!view->readonly)
        PyErr_Format(PyExc_ValueError, "%s can be written to: it has to be read-only", name);
    else
        PyErr_Format(PyExc_ValueError, "%s has to be of %zd-byte '%c' items, not '%s'", name, size, kind, view->format);
    PyBuffer_Release(view);
    return -1;
}

/* The same of floats of 64 bits. */
static int view_of_doubles(PyObject *array, Py_buffer *view, const char *name, int ndim) {
    return view_of_fixed(array, view, name, ndim, 'f', 8);
}

/* Frees an object of a type that was made from a spec, and what its views hold. */
static void let_go(PyObject *object, Py_buffer **views, size_t count) {
    PyTypeObject *type = (PyTypeObject *)PyObject_Type(object); /* a new reference */
    for (size_t i = 0; i < count; i++) PyBuffer_Release(views[i]);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DecRef((PyObject *)type); /* the object's reference to its type, */
    Py_DecRef((PyObject *)type); /* and the new one */
}

#endif
