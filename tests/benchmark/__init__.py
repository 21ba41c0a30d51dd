"""What git's verbs cost, against their yardsticks: ``python -m tests.benchmark``. No part of the tests."""
