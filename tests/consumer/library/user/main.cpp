// Gets chainrule through another library.
#include <slope.h>

#include <cstdio>

int main() { std::printf("%s\n", slope_at(chainrule::variable(3.0, "x")).c_str()); }
