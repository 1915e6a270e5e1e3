// Networks that would lose a parameter, or point to a module that is gone.
#include <chainrule/chainrule.h>

using namespace chainrule;

struct Block : Module {
  Child<Conv2d> conv{*this, "conv", 1, 1, {}};
  Tensor forward(const Tensor& x) override { return conv(x); }
};

struct Plain {
  Child<Linear> fc{*this, "fc", 2, 2};  // refused: a struct that declares a Child is a module: struct Net : Module
};

struct Two : Module {
  Tensor forward(const Tensor& a, const Tensor& b) { return a * b; }
};
struct Pair : ModuleOf<Pair> {
  Tensor forward(const Tensor& a, const Tensor& b) { return a * b; }
};

void lists(Module& net) {
  std::vector<Child<Linear>> layers;
  Child<Linear> layer{net, "a", 2, 2};
  layers.push_back(std::move(layer));  // the same sentence as below; clang does not name the line
  std::vector<std::shared_ptr<Linear>> pointers;
  pointers.push_back(net.add_child("b", make<Linear>(2, 2)));
  Child<ReLU> child{net, "c"};
  Child<ReLU> moved(std::move(child));  // refused: a Child stays where it is declared
}

void moves() {
  Block block;
  Sequential{Linear(2, 2), make<Block>()};
  Sequential{ReLU(), Block()};  // refused: a Child stays where it is declared, and so does the struct around it
}

void references(Module& net, Linear& layer, const Tensor& x) {
  net.add_child("a", layer);  // refused: add_child owns what it adds
  Sequential{layer};          // refused: a module is handed over, not referred to
  Sequential{x};              // refused: only modules stand here
  Linear copy(layer);         // refused: Linear(
}

void calls(Two& two, Pair& pair, const Tensor& x) {
  pair(x, x);
  two(x, x);  // refused: a module of several inputs is declared as struct Net : ModuleOf<Net>
  pair(x);    // refused: the module has no public forward that takes these arguments
}

void parameters(Linear& layer, Buffer& mean, const Tensor& x) {
  layer.weight.copy_(x);
  layer.weight -= 0.1 * layer.weight.grad();  // refused: a Parameter changes in place: const NoGrad off; p.copy_(p -
  layer.weight += x;                          // refused: a Parameter changes in place
  layer.weight *= 2;                          // refused: a Parameter changes in place
  mean /= 2;                                  // refused: changes in place
  layer.weight = x;                           // refused: change its values with copy_()
}
