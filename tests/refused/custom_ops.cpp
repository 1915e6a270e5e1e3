// Rules that would be overlooked.
#include <chainrule/chainrule.h>
#include <chainrule/engine/record_several.h>

using namespace chainrule;

template <int>
struct Base {
  static constexpr OpInfo info{.name = "custom"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return x; }
};
struct Right : Base<0> {
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
  }
};
struct Mutable : Base<1> {
  void backward(GradContext&, Tensor&) const {}
};
struct NotConst : Base<2> {
  void backward(GradContext&, const Tensor&) {}
};
struct Other : Base<3> {
  Tensor backward(const Tensor& g) const { return g; }
};
struct NoUses {
  static constexpr OpInfo info{.name = "custom"};
  Tensor forward(const Tensor& x) const { return x; }
  void backward(GradContext&, const Tensor&) const {}
};
struct AtOnce : Base<6> {
  void backward(GradContext& c, const Tensor& g) const {
    c.send(g, g);
    c.send(g * 2, g);  // refused: no matching function for call
  }
};
struct Single : Base<4> {
  std::array<Tensor, 1> forward(const Tensor& x) const { return {x}; }
  void backward(GradContext&, const Tensor&) const {}
};

void rules(Tensor& out, const Tensor& x) {
  out = record(Right{}, x);
  out = record(Base<5>{}, x);
  out = record(Mutable{}, x);   // refused: void backward(GradContext& c, const Tensor& g) const
  out = record(NotConst{}, x);  // refused: void backward(GradContext& c, const Tensor& g) const
  out = record(Other{}, x);     // refused: void backward(GradContext& c, const Tensor& g) const
  out = record(NoUses{}, x);    // refused: an operation with a rule says what the derivative by each input reads
  out = record_several(Single{}, x)[0];  // refused: a rule of several results is declared as
}
