// The ten-line program in libtorch: its compile time, and the time and memory of starting, one gradient and leaving.
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char**) {
  torch::Tensor x = torch::rand({2, 3}, torch::requires_grad());
  torch::Tensor loss = (x.tanh() * x).sum();
  loss.backward();
  std::printf("loss %g, first gradient %g\n", loss.item<double>(), x.grad()[0][0].item<double>());
  return argc > 1 ? std::system("grep VmHWM /proc/$PPID/status") : 0;
}
