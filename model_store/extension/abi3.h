/* What the extension needs of CPython's stable ABI from 3.11 on, so that it can be built on a machine that has a Python
   but not its headers, as most have. That ABI does not change, so neither does this. A test compares the machine code
   with the one that comes of CPython's own headers (WITH_PYTHON_H). */

#ifndef MILLRACE_ABI3_H
#define MILLRACE_ABI3_H

#ifdef WITH_PYTHON_H
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#else

#include <stddef.h>
#include <stdint.h>

typedef intptr_t Py_ssize_t;
typedef struct _typeobject PyTypeObject;

typedef struct {
    Py_ssize_t ob_refcnt;
    PyTypeObject *ob_type;
} PyObject;
#define PyObject_HEAD PyObject ob_base;

typedef struct {
    void *buf;
    PyObject *obj;
    Py_ssize_t len, itemsize;
    int readonly, ndim;
    char *format;
    Py_ssize_t *shape, *strides, *suboffsets;
    void *internal;
} Py_buffer;
#define PyBUF_WRITABLE 0x1
#define PyBUF_FORMAT 0x4
#define PyBUF_C_CONTIGUOUS (0x20 | 0x10 | 0x8)
#define PyBUF_ANY_CONTIGUOUS (0x80 | 0x10 | 0x8)

typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef struct {
    const char *ml_name;
    PyCFunction ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;
#define METH_VARARGS 0x1
#define METH_KEYWORDS 0x2
#define METH_O 0x8
#define METH_FASTCALL 0x80

typedef struct {
    int slot;
    void *pfunc;
} PyType_Slot;
typedef struct {
    const char *name;
    int basicsize, itemsize;
    unsigned int flags;
    PyType_Slot *slots;
} PyType_Spec;
typedef PyObject *(*allocfunc)(PyTypeObject *, Py_ssize_t);
typedef void (*freefunc)(void *);
#define Py_TPFLAGS_DEFAULT 0
#define Py_tp_alloc 47
#define Py_tp_dealloc 52
#define Py_tp_doc 56
#define Py_tp_methods 64
#define Py_tp_new 65
#define Py_tp_free 74

typedef struct {
    int slot;
    void *value;
} PyModuleDef_Slot;
typedef struct {
    PyObject ob_base;
    PyObject *(*m_init)(void);
    Py_ssize_t m_index;
    PyObject *m_copy;
} PyModuleDef_Base;
typedef struct {
    PyModuleDef_Base m_base;
    const char *m_name, *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
    int (*m_traverse)(PyObject *, int (*)(PyObject *, void *), void *);
    int (*m_clear)(PyObject *);
    void (*m_free)(void *);
} PyModuleDef;
#define PyModuleDef_HEAD_INIT {{1, NULL}, NULL, 0, NULL}
#define Py_mod_exec 2
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *

typedef struct _ts PyThreadState;

extern PyObject *PyExc_TypeError, *PyExc_ValueError;
extern PyObject _Py_NoneStruct;
#define Py_None (&_Py_NoneStruct)

extern int PyArg_ParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, ...);
extern PyObject *PyByteArray_FromStringAndSize(const char *, Py_ssize_t);
extern PyObject *PyBool_FromLong(long);
extern void PyBuffer_Release(Py_buffer *);
extern void PyErr_Clear(void);
extern PyObject *PyErr_Format(PyObject *, const char *, ...);
extern PyObject *PyErr_NoMemory(void);
extern PyObject *PyErr_Occurred(void);
extern void PyErr_SetString(PyObject *, const char *);
extern PyThreadState *PyEval_SaveThread(void);
extern void PyEval_RestoreThread(PyThreadState *);
extern PyObject *PyModuleDef_Init(PyModuleDef *);
extern int PyModule_AddObjectRef(PyObject *, const char *, PyObject *);
extern int PyObject_GetBuffer(PyObject *, Py_buffer *, int);
extern double PyOS_string_to_double(const char *, char **, PyObject *);
extern PyObject *PyObject_Type(PyObject *);
extern PyObject *PyType_FromSpec(PyType_Spec *);
extern void *PyType_GetSlot(PyTypeObject *, int);
extern PyObject *Py_BuildValue(const char *, ...);
extern void Py_DecRef(PyObject *);
extern void Py_IncRef(PyObject *);

#endif
#endif
