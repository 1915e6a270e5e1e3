// The one main of every test program: doctest's own. Tests live in tests/<folder>/test_<topic>.cpp.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
