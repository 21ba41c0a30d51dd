"""Fuzzing of everything that reads bytes from elsewhere, run by ``scripts/fuzz``. What was run: docs/fuzzing.md.

``__main__``    every harness for its share of the minutes, and a table; the exit code says whether something was found
``run``         one harness under atheris (libFuzzer), or once over given files to see a crash again
``harnesses``   the table of harnesses by name
``source``      a harness's values, made from the fuzzer's bytes
``words``       parts of which hostile users, hosts, paths and names are put together; the property tests use them, too
``oracle``      what must hold whatever came in, written without the code that it judges
``messages``, ``configuration``, ``kept``, ``bus``, ``sign_in``, ``authority``, ``answers``, ``verbs``  the harnesses
``corpus/``     a folder of small text files for each harness that takes text as it is: seeds, and what once went wrong

A harness takes a ``Source`` and returns nothing. It raises for what must not happen: an exception that the function
under test does not document, or a broken invariant. It runs without atheris as well, and the suite runs each over its
corpus and some random bytes, so that none rots between two runs of the fuzzer.
"""
