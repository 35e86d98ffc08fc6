"""What a process that runs a model's own code gives up for good, before it reads a byte of the model.

A model process and the trial of publishing both call ``model_store.confinement.confine.confine``: it lives with the
store, which must not know the service, and needs nothing but Python's library. Call it while the process has one
thread, so before NumPy is imported: the kernel binds only the calling thread's file rights. Start the process with
``environment.bare`` as its variables, because what a process was started with stays readable in it.
"""
