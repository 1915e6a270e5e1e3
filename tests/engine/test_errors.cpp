// Errors name the culprit: each test asserts on the parts that a user needs.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

void check_parts(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) CHECK_MESSAGE(contains(text, part), text, " lacks ", part);
}

}  // namespace

TEST_CASE("errors: a graph that was already freed") {
  const Tensor x = leaf({1, 2});
  const Tensor h = exp(x).label("h");
  const Tensor y = sum(h * h);
  y.backward();
  const std::string text = message_of<GraphError>([&] { y.backward(); });
  // The first freed node by name, operation and shape; who freed it and where; both usual causes before the remedy.
  check_parts(text, {"mul#", "shape (2,)", "were freed by backward call", "of sum#", "test_errors.cpp:", "called twice",
                     "earlier training step", "retain_graph"});
  CHECK(text.find("called twice") < text.find("retain_graph"));
  CHECK(text.find("earlier training step") < text.find("retain_graph"));
  CHECK(x.grad().to_vector()[0] == doctest::Approx(2 * std::exp(2.0)));  // once only

  // State carried across steps: another root that leads into the freed part.
  const Tensor next = sum(h * 3);
  check_parts(message_of<GraphError>([&] { next.backward(); }), {"exp#", "'h'", "backward call"});
}

TEST_CASE("errors: a saved input was overwritten") {
  Tensor x = leaf({1, 2}).label("weights"), w = leaf({3, 4});
  const Tensor y = sum(x * w);
  {
    const NoGrad off;
    x.fill_(9);
    x.fill_(10);
  }
  const std::string text = message_of<GraphError>([&] { y.backward(); });
  check_parts(text, {"mul#", "input x", "'weights'", "shape (2,)", "version 0 was saved", "2 is there now",
                     "written by fill_ at test_errors.cpp:", "the operation is at test_errors.cpp:"});
  CHECK_FALSE(w.has_grad());
  // A value that no rule needs may change: d(x + w) knows neither.
  const Tensor z = sum(x + w);
  {
    const NoGrad off;
    x.copy_(w);
  }
  z.backward();
  CHECK(x.grad().to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("errors: a saved result was overwritten through a detached handle") {
  const Tensor x = leaf({1, 2});
  const Tensor z = exp(x).label("z");
  Tensor shared = z.detach();
  shared.fill_(0);
  check_parts(message_of<GraphError>([&] { sum(z).backward(); }), {"'z' (exp#", "its result", "shape (2,)", "fill_"});
  const Tensor h = x * 2, y = h * h;
  Tensor part = slice(h.detach(), 0, 0, 1);  // a view of it
  part.fill_(5);
  check_parts(message_of<GraphError>([&] { sum(y).backward(); }), {"mul#", "overwritten", "fill_"});
}

TEST_CASE("errors: an old graph keeps the values it was recorded with") {
  // The value of a leaf changed: a result recorded before does not follow, and where its rule needs the old value the
  // walk refuses instead of mixing the two.
  Tensor x = variable(2, "x");
  const Tensor y = x * x;
  {
    const NoGrad off;
    x.fill_(5);
  }
  CHECK(y.item() == 4);
  check_parts(message_of<GraphError>([&] { y.backward(); }), {"'x'", "overwritten"});
  CHECK((x * x).item() == 25);
}

TEST_CASE("errors: only leaves can be changed in place") {
  Tensor x = leaf({1, 2});
  Tensor h = x * 2;
  check_parts(message_of<GraphError>([&] { h.fill_(0); }), {"fill_", "mul#", "only leaves"});
  check_parts(message_of<GraphError>([&] { x.fill_(0); }), {"fill_", "trainable", "NoGrad"});
  check_parts(message_of<ShapeError>([&] {
                const NoGrad off;
                x.copy_(zeros({3}));
              }),
              {"copy_", "(3,)", "(2,)"});
  CHECK(x.to_vector() == std::vector<double>{1, 2});
}

TEST_CASE("errors: gradients that are not there") {
  Tensor x = leaf({1, 2}).label("x"), constant = zeros({2});
  Tensor h = x * 2;
  sum(h).backward();
  check_parts(message_of<GraphError>([&] { (void)h.grad(); }),
              {"grad: ", "mul#", "was not kept", "retain_grad()", "before backward()", "TeachingMode"});
  check_parts(message_of<GraphError>([&] { (void)constant.grad(); }), {"not trainable", "set_requires_grad()"});
  x.zero_grad();
  check_parts(message_of<GraphError>([&] { (void)x.grad(); }), {"'x'", "was not computed", "no backward()"});
  h.retain_grad();
  check_parts(message_of<GraphError>([&] { (void)h.grad(); }), {"was not computed"});
  CHECK_THROWS_AS(constant.retain_grad(), GraphError);
  CHECK_THROWS_AS((void)constant.register_hook([](const Tensor&) { return Tensor(); }), GraphError);
  check_parts(message_of<ShapeError>([&] { x.set_grad(zeros({3}, {.dtype = DType::float64})); }), {"(3,)", "'x'"});
  CHECK_THROWS_AS(x.set_grad(zeros({2})), Error);  // float32
  CHECK_THROWS_AS(h.set_grad(zeros({2})), GraphError);
}

TEST_CASE("errors: backward from something that has no answer") {
  const Tensor x = leaf({1, 2}).label("x");
  check_parts(message_of<GraphError>([&] { (x * 2).backward(); }),
              {"backward: ", "mul#", "shape (2,)", "not one element", "sum()", "cotangent"});
  check_parts(message_of<GraphError>([&] { tensor(1.).backward(); }),
              {"no path to a trainable value", "nothing that it was computed from is trainable"});
  Tensor off_record;
  {
    const NoGrad off;
    off_record = sum(exp(x));
  }
  check_parts(message_of<GraphError>([&] { off_record.backward(); }), {"recording stopped at exp", "NoGrad"});
  check_parts(message_of<GraphError>([&] { (off_record * 2 + 1).backward(); }), {"recording stopped at exp"});
  check_parts(message_of<GraphError>([&] { sum((x * x).detach() + 1).backward(); }), {"detach() of a result of mul"});
  check_parts(message_of<GraphError>([&] { (void)grad(sum(x), tensor(1.)); }), {"grad: ", "not trainable"});
  check_parts(message_of<ShapeError>([&] { (x * 2).backward({.cotangent = zeros({3}, {.dtype = DType::float64})}); }),
              {"cotangent", "(3,)", "(2,)"});
  CHECK_FALSE(x.has_grad());
  // A leaf is its own derivative.
  const Tensor one = leaf(3);
  one.backward();
  CHECK(one.grad().item() == 1);
}

TEST_CASE("errors: empty handles") {
  const Tensor none;
  Tensor x = leaf(1);
  const Tensor y = std::move(x);
  CHECK_FALSE(none.defined());
  CHECK_FALSE(x.defined());  // NOLINT(bugprone-use-after-move): that is the point
  CHECK(to_string(none) == "(empty handle)");
  for (const Tensor& empty : {none, x}) {
    CHECK_THROWS_AS((void)empty.shape(), ValueError);
    CHECK_THROWS_AS((void)empty.item(), ValueError);
    CHECK_THROWS_AS(empty.backward(), ValueError);
    CHECK_THROWS_AS((void)empty.grad(), ValueError);
    CHECK_THROWS_AS((void)empty.detach(), ValueError);
    CHECK_THROWS_AS((void)empty.label(), ValueError);
    CHECK_THROWS_AS((void)grad(y * y, empty), ValueError);
    CHECK_THROWS_AS((void)grad(empty, y), ValueError);
    check_parts(message_of<ValueError>([&] { (void)(y * empty); }), {"empty"});
    check_parts(message_of<ValueError>([&] { (void)exp(empty); }), {"empty"});
  }
}

TEST_CASE("errors: what is not trainable") {
  check_parts(message_of<ValueError>([] { from_vector(std::vector<std::int64_t>{1}, {1}).set_requires_grad(); }),
              {"int64", "only floating"});
  Tensor h = leaf(1) * 2;
  check_parts(message_of<GraphError>([&] { h.set_requires_grad(false); }), {"mul#", "detach()"});
  Tensor x = leaf(1);
  x.set_requires_grad(false);
  CHECK_FALSE(x.requires_grad());
}

TEST_CASE("errors: the first value that is not finite is named") {
  const AnomalyMode watch;
  const ModuleScope net("net"), layer("root", "Root");
  const Tensor x = leaf({1, 5}).label("x");
  const std::string text = message_of<NumericError>([&] { (void)sqrt(sqrt(x - 2)); });
  check_parts(text, {"forward of sqrt", "(2,)", "1 of 2 not finite", "module net.root", "test_errors.cpp:", "input x",
                     "finite values -1 to 3"});
  CHECK(NumericError("").exit_code() == 3);
  // Backward only: the value is finite, its derivative is not.
  const Tensor root = sqrt(leaf({0, 4}));
  const std::string back = message_of<NumericError>([&] { sum(root * 3).backward(); });
  check_parts(back, {"backward of sqrt", "module net.root", "test_errors.cpp:", "1 of 2 not finite"});
}

TEST_CASE("errors: an infinity that is meant is told apart") {
  const Tensor x = leaf({{1, 2}, {3, 4}});
  const Tensor mask = tensor({{true, false}, {true, true}});
  const auto masked_loss = [&] { return sum(softmax(where(mask, x, -INFINITY), 1) * x); };
  {
    const AnomalyMode watch;
    const Tensor loss = masked_loss();
    CHECK(std::isfinite(loss.item()));
    loss.backward();
    CHECK(std::isfinite(sum(x.grad()).item()));
    // One that appears is a finding; so is the NaN that comes of a meant one.
    CHECK_THROWS_AS((void)exp(x * 1000), NumericError);
    CHECK_THROWS_AS((void)(where(mask, x, -INFINITY) * 0), NumericError);
  }
  {
    const AnomalyMode watch(Anomaly::nan);
    CHECK(std::isinf(sum(exp(x * 1000)).item()));
    CHECK_THROWS_AS((void)log(x - 10), NumericError);
  }
  CHECK(std::isnan(sum(log(x - 10)).item()));
}
