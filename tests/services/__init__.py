"""Real servers for the tests: got by ``make services``, started on free ports."""
