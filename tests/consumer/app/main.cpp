// A whole user program: one include, one gradient. It must compile with nothing of the repository on the include path.
#include <chainrule/chainrule.h>

#if __has_include("engine/types/error.h") || __has_include(<engine/types/error.h>) || __has_include(<ops/ops.h>)
#error "a folder with a generic name has come onto the user's include path"
#endif

#include <cstdio>

int main() {
  chainrule::Tensor x = chainrule::variable(3.0, "x");
  chainrule::Tensor z = x * x + 2 * x;
  z.backward();
  std::printf("z = %g, dz/dx = %g\n", z.item(), x.grad().item());
}
