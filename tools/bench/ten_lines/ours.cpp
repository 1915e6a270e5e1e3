// The ten-line program: its compile time, and the time and memory of starting, one gradient and leaving.
#include <chainrule/chainrule.h>

#include <cstdio>
#include <cstdlib>

using namespace chainrule;

int main(int argc, char**) {
  Tensor x = rand({2, 3}, {.requires_grad = true});
  Tensor loss = sum(tanh(x) * x);
  loss.backward();
  std::printf("loss %g, first gradient %g\n", loss.item(), x.grad().to_vector()[0]);
  return argc > 1 ? std::system("grep VmHWM /proc/$PPID/status") : 0;
}
