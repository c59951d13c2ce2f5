"""The ezrvc command: preprocess, train, convert, and what belongs to them.

`commands` parses and reports; `pipeline` does the work and can be called from other
applications; `demo` is the guided tour.
"""
